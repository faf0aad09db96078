/** `forecast receipt ID`: what was known, what was said, what happened, how it did. */
import { parseTimeframe, forecastTimes, isTimeframe } from '../domain/timeframe';
import { pairKey, symbolFileName, type EpochMs, type MarketSymbol, type Pair } from '../domain/types';
import type { ForecastRecord, ForecastRole, ForecastScore } from '../ports/forecast-ledger';
import { configuredSymbol } from './arguments';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import { followedBy } from './followed';
import { print, type FormatOptions } from './output';
import { textFacts, textTable } from './text-table';
import type { CliWiring } from './wiring';
import { isoText, minuteText, percentText, plural, priceText } from './wording';

const ROLES: readonly ForecastRole[] = ['champion', 'shadow', 'naive'];

/** `BTC_USDT-1h-2024-05-01T14:00Z`: the pair and the close of the last candle it rests on; `-shadow`, `-naive` for those. */
export function receiptId({ pair, dataThrough, role }: ForecastRecord): string {
  const moment = `${new Date(dataThrough).toISOString().slice(0, 16)}Z`;
  return `${symbolFileName(pair.symbol)}-${pair.timeframe}-${moment}${role === 'champion' ? '' : `-${role}`}`;
}

interface Named {
  readonly pair: Pair;
  readonly dataThrough: EpochMs;
  readonly role: ForecastRole;
}

async function read(wiring: CliWiring, id: string): Promise<Named> {
  const [, symbol = '', timeframe = '', moment = '', role = 'champion'] =
    /^([A-Z0-9_]+)-([0-9a-zA-Z]+)-(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z)(?:-(shadow|naive))?$/.exec(id) ?? [];
  const known = ROLES.find((each) => each === role);
  if (known === undefined || !isTimeframe(timeframe) || Number.isNaN(Date.parse(moment))) {
    const like = 'write it like BTC_USDT-1h-2024-05-01T14:00Z, as `forecast show` does';
    throw new CommandEnd(EXIT_CODES.usage, `"${id}" names no forecast: ${like}`);
  }
  const pair = { symbol: await symbolOf(wiring, symbol), timeframe: parseTimeframe(timeframe) };
  return { pair, dataThrough: Date.parse(moment), role: known };
}

/** The ledger keeps what was forecast of a symbol that is followed no more: any symbol that ever had a state counts. */
async function symbolOf(wiring: CliWiring, name: string): Promise<MarketSymbol> {
  const states = await (await wiring.stores()).pairState.symbolStates();
  const known = states.find(({ symbol }) => symbolFileName(symbol) === name);
  return known?.symbol ?? configuredSymbol(await followedBy(wiring), name);
}

interface Row {
  readonly step: number;
  readonly time: EpochMs;
  readonly said: string;
  readonly came: string;
  readonly error: string;
  readonly inside: string;
}

export async function receipt(wiring: CliWiring, id: string, options: FormatOptions): Promise<void> {
  const { pair, dataThrough, role } = await read(wiring, id);
  const { forecastLedger, source } = await wiring.stores();
  const records = await forecastLedger.list(pair, role, dataThrough, dataThrough);
  if (records.length === 0) {
    throw new CommandEnd(EXIT_CODES.data, `the ledger holds no such forecast of ${pairKey(pair)} by the ${role}`);
  }
  const scores = await forecastLedger.scores(pair, role, dataThrough, dataThrough);
  const naive = await forecastLedger.scores(pair, 'naive', dataThrough, dataThrough);
  const receipts = records.map((record) => ({
    record,
    scores: scores.filter(({ modelVersion }) => modelVersion === record.modelVersion),
  }));
  const text = receipts.map((one) => receiptText(id, source, one.record, one.scores, naive)).join('\n');
  const json = receipts.map((one) => receiptJson(id, source, one.record, one.scores, naive));
  print(wiring, options, { text, json });
}

function receiptText(
  id: string,
  source: string,
  record: ForecastRecord,
  scores: readonly ForecastScore[],
  naive: readonly ForecastScore[],
): string {
  const facts = textFacts([
    ['receipt', id],
    ['pair', `${pairKey(record.pair)} (${source}), by the ${record.role}`],
    ['model', `${record.family} ${record.modelVersion}`],
    ['known', `candles through ${isoText(record.dataThrough)}, last close ${priceText(record.lastClose)}`],
    ['issued', isoText(record.issuedAt)],
    ['score', scoreText(scores, naive, record.quantiles.length)],
  ]);
  const rows = rowsOf(record, scores);
  const column = (title: string, cell: (row: Row) => string) => ({ title, align: 'right' as const, cell });
  const table = textTable<Row>(
    [
      column('step', (row) => String(row.step)),
      { title: 'at (UTC)', cell: (row) => minuteText(row.time) },
      column('said (80 %)', (row) => row.said),
      column('came', (row) => row.came),
      column('error', (row) => row.error),
      { title: 'in the 80 % band', cell: (row) => row.inside },
    ],
    rows,
  );
  return `${facts}\n${table}`;
}

function rowsOf(record: ForecastRecord, scores: readonly ForecastScore[]): Row[] {
  const times = forecastTimes(record.pair.timeframe, record.dataThrough, record.quantiles.length);
  return record.quantiles.map((row, k) => {
    const score = scores.find(({ step }) => step === k + 1);
    return {
      step: k + 1,
      time: times[k] ?? 0,
      said: `${priceText(row[3])} (${priceText(row[1])} to ${priceText(row[5])})`,
      came: score === undefined ? 'not yet' : priceText(score.actual),
      error: score === undefined ? '' : priceText(score.absoluteError),
      inside: score === undefined ? '' : score.inside80 ? 'yes' : 'no',
    };
  });
}

function scoreText(scores: readonly ForecastScore[], naive: readonly ForecastScore[], steps: number): string {
  if (scores.length === 0) return 'no target has closed and been scored yet';
  const inside = scores.filter(({ inside80 }) => inside80).length / scores.length;
  const rival = new Map(naive.map(({ step, pinball }) => [step, pinball]));
  const paired = scores.flatMap(({ step, pinball }) => {
    const other = rival.get(step);
    return other === undefined ? [] : [{ own: pinball, other }];
  });
  const ratio = paired.reduce((sum, { own }) => sum + own, 0) / paired.reduce((sum, { other }) => sum + other, 0);
  const against = Number.isFinite(ratio) ? `, loss ${ratio.toFixed(2)} of naive's` : '';
  return `${plural(scores.length, 'step')} of ${steps} scored, ${percentText(inside)} inside the 80 % band${against}`;
}

function receiptJson(
  id: string,
  source: string,
  record: ForecastRecord,
  scores: readonly ForecastScore[],
  naive: readonly ForecastScore[],
): unknown {
  const times = forecastTimes(record.pair.timeframe, record.dataThrough, record.quantiles.length);
  return {
    receipt: id,
    ...record.pair,
    source,
    role: record.role,
    model: { family: record.family, version: record.modelVersion },
    issued_at: isoText(record.issuedAt),
    known: { data_through: isoText(record.dataThrough), last_close: record.lastClose },
    steps: record.quantiles.map((quantiles, k) => {
      const score = scores.find(({ step }) => step === k + 1);
      return {
        step: k + 1,
        timestamp: isoText(times[k] ?? 0),
        quantiles,
        actual: score?.actual ?? null,
        absolute_error: score?.absoluteError ?? null,
        pinball: score?.pinball ?? null,
        naive_pinball: naive.find(({ step }) => step === k + 1)?.pinball ?? null,
        inside: score === undefined ? null : { '50': score.inside50, '80': score.inside80, '95': score.inside95 },
      };
    }),
  };
}
