/** `forecast`: the newest champion forecast of a pair, and the receipt of any. */
import type { Command } from 'commander';
import { forecastTimes } from '../domain/timeframe';
import { QUANTILE_LEVELS, type QuantileRow } from '../domain/quantiles';
import { pairKey, type EpochMs } from '../domain/types';
import type { ForecastRecord, ForecastScore } from '../ports/forecast-ledger';
import { followedBy } from './followed';
import { configuredSymbol, configuredTimeframe } from './arguments';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import { receipt, receiptId } from './forecast-receipt';
import { print, withFormat, type FormatOptions } from './output';
import { textFacts, textTable } from './text-table';
import type { CliWiring } from './wiring';
import { agoText, isoText, minuteText, percentText, plural, priceText } from './wording';

export function addForecast(program: Command, wiring: CliWiring): void {
  const noun = program.command('forecast').description('what was forecast');
  withFormat(noun.command('show').description('the newest forecast of a pair, with its bands'))
    .argument('<symbol>', 'like BTC/USDT')
    .argument('<timeframe>', 'like 1h')
    .action(async (symbol: string, timeframe: string, options: FormatOptions) =>
      show(wiring, symbol, timeframe, options),
    );
  withFormat(noun.command('receipt').description('what was known, what was said, what happened, how it did'))
    .argument('<id>', 'like BTC_USDT-1h-2024-05-01T14:00Z, as `forecast show` names it')
    .action(async (id: string, options: FormatOptions) => receipt(wiring, id, options));
}

interface Step {
  readonly time: EpochMs;
  readonly quantiles: QuantileRow;
}

async function show(wiring: CliWiring, symbol: string, timeframe: string, options: FormatOptions): Promise<void> {
  const config = wiring.config();
  const pair = {
    symbol: configuredSymbol(await followedBy(wiring), symbol),
    timeframe: configuredTimeframe(config, timeframe),
  };
  const { forecastLedger, source } = await wiring.stores();
  const record = await forecastLedger.latest(pair, 'champion');
  if (record === null) {
    const hint =
      config.rules(pair.timeframe).horizon === 0
        ? 'this timeframe has no forecast.'
        : `see "why ${symbol} ${timeframe}".`;
    throw new CommandEnd(EXIT_CODES.data, `there is no forecast of ${pairKey(pair)} yet: ${hint}`);
  }
  const scores = await forecastLedger.scores(pair, 'champion', 0, wiring.clock.now());
  const times = forecastTimes(pair.timeframe, record.dataThrough, record.quantiles.length);
  const steps = record.quantiles.map((quantiles, index): Step => ({ time: times[index] ?? 0, quantiles }));
  const text = `${headText(record, scores, source, wiring.clock.now())}\n${stepsText(steps)}`;
  print(wiring, options, { text, json: forecastJson(record, steps, scores, source) });
}

function headText(record: ForecastRecord, scores: readonly ForecastScore[], source: string, now: EpochMs): string {
  const inside = scores.filter((score) => score.inside80).length;
  const record80 =
    scores.length === 0
      ? 'no forecast has been scored yet'
      : `${percentText(inside / scores.length)} of ${plural(scores.length, 'scored step')} inside the 80 % band`;
  return textFacts([
    ['pair', `${pairKey(record.pair)} (${source})`],
    ['receipt', receiptId(record)],
    ['model', `${record.family} ${record.modelVersion}`],
    ['issued', `${isoText(record.issuedAt)} (${agoText(record.issuedAt, now)})`],
    ['data through', `${isoText(record.dataThrough)}, last close ${priceText(record.lastClose)}`],
    ['track record', record80],
  ]);
}

function stepsText(steps: readonly Step[]): string {
  const quantile = (index: number) => ({
    align: 'right' as const,
    cell: (row: Step) => priceText(row.quantiles[index] ?? 0),
  });
  return textTable<Step>(
    [
      { title: 'at (UTC)', cell: (row) => minuteText(row.time) },
      { title: 'median', ...quantile(3) },
      { title: '50 % from', ...quantile(2) },
      { title: 'to', ...quantile(4) },
      { title: '80 % from', ...quantile(1) },
      { title: 'to', ...quantile(5) },
      { title: '95 % from', ...quantile(0) },
      { title: 'to', ...quantile(6) },
    ],
    steps,
  );
}

function forecastJson(
  record: ForecastRecord,
  steps: readonly Step[],
  scores: readonly ForecastScore[],
  source: string,
): unknown {
  const share = (inside: (score: ForecastScore) => boolean): number | null =>
    scores.length === 0 ? null : scores.filter(inside).length / scores.length;
  return {
    ...record.pair,
    receipt: receiptId(record),
    source,
    model: { family: record.family, version: record.modelVersion },
    issued_at: isoText(record.issuedAt),
    data_through: isoText(record.dataThrough),
    last_close: record.lastClose,
    quantile_levels: QUANTILE_LEVELS,
    forecast: steps.map((step) => ({ timestamp: isoText(step.time), quantiles: step.quantiles })),
    quality: {
      sample_count: scores.length,
      coverage: {
        '50': share((score) => score.inside50),
        '80': share((score) => score.inside80),
        '95': share((score) => score.inside95),
      },
    },
  };
}
