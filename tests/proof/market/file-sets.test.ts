/**
 * Every set of real files, served by the market simulator and read through ccxt: what is stored is what the file holds, and
 * the ledger explains exactly what it lacks, of at least the lengths that `gaps.csv` lists. Short form: the sparse year up to
 * its second week; full form (`npm run proof:market`): all of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createCcxtExchange } from '../../../src/adapters/ccxt/ccxt-exchange';
import { openCandleStore } from '../../../src/adapters/sqlite/candle-store';
import { openStateStore } from '../../../src/adapters/sqlite/state-store';
import { closeOf, DAY, parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { EpochMs, Pair } from '../../../src/domain/types';
import { fill } from '../../../src/ingest/fill';
import { findEarliest } from '../../../src/ingest/earliest';
import { markOutages } from '../../../src/ingest/outages';
import { repair } from '../../../src/ingest/repair';
import type { IngestPorts } from '../../../src/ingest/ingest-ports';
import { startMarket } from '../../../src/market/market-server';
import type { KnownGap } from '../../../src/ports/gap-ledger';
import { testOnCandles } from '../../candles';
import { checkStore } from '../../checker/check';
import { brokenRules } from '../../checker/findings';
import { truthOfFiles } from '../../checker/market-truth';
import { klinesOf, startFaultServer } from '../../ports/exchange/fault-server';
import type { KlineRow } from '../../ports/exchange/fault-server';
import { FULL_PROOF } from '../outcome-table';

const SETTLE_MS = 2_000;
/** Holes are decided when they are this old. */
const SETTLED = 3 * DAY;
const TIMEOUT = FULL_PROOF ? 1_800_000 : 300_000;

interface Opened extends IngestPorts {
  readonly folder: string;
}

async function withIngest<T>(baseUrl: string, now: EpochMs, work: (ingest: Opened) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-files-'));
  const candles = await openCandleStore(join(folder, 'candles.db'));
  const state = await openStateStore(join(folder, 'state.db'));
  const clock = { now: () => now, monotonic: () => performance.now() };
  const budget = state.budget({ limits: { binance: 10_000_000 }, clock });
  const exchange = await createCcxtExchange({ id: 'binance', budget, clock, settleMs: SETTLE_MS, baseUrl });
  const { gapLedger, pairState, dataQuality } = state;
  try {
    return await work({ folder, exchange, candles, gapLedger, pairState, dataQuality, clock });
  } finally {
    await exchange.close();
    await candles.close();
    await state.close();
    rmSync(folder, { recursive: true });
  }
}

async function ingested(ingest: Opened, pair: Pair, asOf: EpochMs): Promise<void> {
  const from = await findEarliest(ingest.exchange, { pair, asOf });
  await fill(ingest, { pair, from: from ?? Number.NaN, asOf });
  await repair(ingest, { pair, asOf });
}

/** `2023-03-24T12:39:00.000Z 80`: runs of slots, whatever is known of each. */
function runsOf(pair: Pair, slots: Iterable<EpochMs>): string[] {
  const runs: { from: EpochMs; to: EpochMs; slots: number }[] = [];
  for (const slot of slots) {
    const last = runs.at(-1);
    if (last !== undefined && closeOf(pair.timeframe, last.to) === slot) {
      last.to = slot;
      last.slots += 1;
    } else runs.push({ from: slot, to: slot, slots: 1 });
  }
  return runs.map(({ from, slots: length }) => `${new Date(from).toISOString()} ${length}`);
}

function* slotsOf({ timeframe }: Pair, from: EpochMs, to: EpochMs): Generator<EpochMs> {
  for (let at = from; at <= to; at = shiftSlots(timeframe, at, 1)) yield at;
}

const ledgerRuns = (pair: Pair, gaps: readonly KnownGap[]): string[] =>
  runsOf(
    pair,
    gaps.flatMap(({ from, to }) => [...slotsOf(pair, from, to)]),
  );

/** What the file itself lacks between its first row and `by`. */
function fileRuns(pair: Pair, opens: readonly EpochMs[]): string[] {
  const held = new Set(opens);
  const [first = 0, last = -1] = [opens[0], opens.at(-1)];
  return runsOf(
    pair,
    [...slotsOf(pair, first, last)].filter((slot) => !held.has(slot)),
  );
}

/** Of `gaps.csv`: those of a file that begin before `by`. */
function listedRuns(data: string, file: string, by: EpochMs): string[] {
  const [, ...lines] = readFileSync(join(data, '..', 'gaps.csv'), 'utf8')
    .trim()
    .split('\n');
  return lines.flatMap((line) => {
    const [name, first, , slots] = line.split(',');
    return name === file && Number(first) < by ? [`${new Date(Number(first)).toISOString()} ${slots}`] : [];
  });
}

function pairOfFile(file: string): Pair {
  const [symbol = '', timeframe = ''] = basename(file, '.csv.gz').split('-');
  return { symbol: parseSymbol(symbol.replace('_', '/')), timeframe: parseTimeframe(timeframe) };
}

interface FileSet {
  readonly set: string;
  /** The market's time; a gap is decided when it is older than two days then. */
  readonly until: EpochMs;
  /** By the words of the ledger. */
  readonly states: readonly string[];
}

const SETS: readonly FileSet[] = [
  { set: 'outage-2023-03', until: Date.UTC(2023, 4, 1, 21, 2) + SETTLED, states: ['outage'] },
  { set: 'native-2024', until: Date.UTC(2024, 8, 6, 4), states: [] },
  {
    set: 'bitfinex-2016',
    until: FULL_PROOF ? Date.UTC(2017, 0, 1) + SETTLED : Date.UTC(2016, 0, 11),
    states: FULL_PROOF ? ['confirmed_empty'] : ['confirmed_empty', 'suspect'],
  },
  { set: 'odd', until: Date.UTC(2019, 9, 13, 11, 20) + SETTLED, states: ['confirmed_empty'] },
];

for (const { set, until, states } of SETS) {
  testOnCandles(
    `I03 I04 I12 ${set}, served: every candle of the files is stored, and the ledger holds their gaps, no more and no fewer`,
    async (data) => {
      const folder = join(data, set);
      const files = readdirSync(folder).filter((name) => /^[A-Z]+_[A-Z]+-\d+[a-zA-Z]\.csv\.gz$/.test(name));
      const truth = truthOfFiles(folder);
      const pairs = files.map(pairOfFile);
      const symbols = [...new Set(pairs.map(({ symbol }) => symbol))];
      const market = await startMarket({ data: folder, symbols, clock: { fixed: until } });
      try {
        await withIngest(market.url, until, async (ingest) => {
          for (const pair of pairs) await ingested(ingest, pair, until);
          for (const { timeframe } of pairs) await markOutages(ingest, timeframe, symbols);
          const checked = checkStore({ folder: ingest.folder, truth });
          expect(brokenRules(checked)).toEqual([]);
          expect(checked.breaches).toEqual([]);
          const words = new Set<string>();
          for (const [k, pair] of pairs.entries()) {
            const opens = [...truth(pair.symbol, pair.timeframe).keys()].filter(
              (open) => closeOf(pair.timeframe, open) + SETTLE_MS <= until,
            );
            expect((await ingest.candles.extent(pair))?.count).toBe(opens.length);
            const gaps = await ingest.gapLedger.list(pair);
            for (const gap of gaps) words.add(gap.state);
            const told = ledgerRuns(pair, gaps);
            expect(told).toEqual(fileRuns(pair, opens));
            const listed = listedRuns(data, `${set}/${files[k]}`, until);
            expect(listed.filter((run) => !told.includes(run))).toEqual([]);
          }
          expect([...words].toSorted()).toEqual(states);
        });
      } finally {
        await market.close();
      }
    },
    TIMEOUT,
  );
}

testOnCandles(
  'F67 odd/ETH_USDT-1h.dups, served: the page of hours told twice is refused with its reason, nothing of it or invented is stored',
  async (data) => {
    const text = gunzipSync(readFileSync(join(data, 'odd', 'ETH_USDT-1h.dups.csv.gz'))).toString('utf8');
    const lines = text.trim().split('\n').slice(1);
    const rows = lines.map((line): KlineRow => {
      const [time, ...values] = line.split(',');
      return [Number(time), ...values, Number(time) + 3_599_999];
    });
    const told = new Map<EpochMs, Set<string>>();
    for (const [time, ...values] of rows) {
      const known = told.get(Number(time)) ?? new Set<string>();
      told.set(Number(time), known.add(values.map(Number).join()));
    }
    const sure = [...told].flatMap(([time, variants]) => (variants.size === 1 ? [time] : []));
    const disputed = [...told].flatMap(([time, variants]) => (variants.size > 1 ? [time] : []));
    const pair = pairOfFile('ETH_USDT-1h.csv.gz');
    const server = await startFaultServer();
    server.always('klines', klinesOf(rows));
    const now = Math.max(...told.keys()) + SETTLED;
    try {
      await withIngest(server.url, now, async (ingest) => {
        const from = await findEarliest(ingest.exchange, { pair, asOf: now });
        const failure: unknown = await fill(ingest, { pair, from: from ?? Number.NaN, asOf: now }).catch(
          (error: unknown) => error,
        );
        // Nearly every hour of those pages has two stories: none of them is believed, and no later page is asked for.
        expect(failure).toMatchObject({ code: 'page_rejected' });
        expect(String(failure)).toContain('conflicting_duplicate');
        const stored = await ingest.candles.read(pair, { limit: 100_000 });
        const invented = stored.filter(({ openTime, open, high, low, close, volume }) => {
          const values = [open, high, low, close, volume, openTime + 3_599_999].join();
          return told.get(openTime)?.has(values) !== true;
        });
        expect(invented).toEqual([]);
        const opens = new Set(stored.map(({ openTime }) => openTime));
        const reached = Math.max(...opens);
        expect(sure.filter((time) => time <= reached && !opens.has(time))).toEqual([]);
        // Of the last hour the page before had only the first of its two rows.
        expect(disputed.filter((time) => time < reached && opens.has(time))).toEqual([]);
        const refused = await ingest.pairState.quarantined(pair);
        expect(refused.length).toBeGreaterThan(0);
        for (const { reason, openTime } of refused) {
          expect(reason).toBe('conflicting_duplicate');
          expect(disputed).toContain(openTime);
        }
      });
    } finally {
      await server.close();
    }
  },
  TIMEOUT,
);
