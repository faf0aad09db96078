/** `data status`, `data coverage`, `data gaps`: what is stored, what is missing and why. */
import type { Config } from '../config/config';
import { subtractRanges } from '../domain/coverage';
import { storageLevel } from '../domain/storage-budget';
import { DAY, countSlots } from '../domain/timeframe';
import { pairKey, type EpochMs, type Pair } from '../domain/types';
import { TemporalUnreachable, type FillView } from '../ports/control';
import type { KnownGap } from '../ports/gap-ledger';
import { selectedPairs } from './arguments';
import { followedBy } from './followed';
import { print, type FormatOptions } from './output';
import { coverageShare, coverageWords, pairCoverage, type PairCoverage } from './pair-coverage';
import { textFacts, textTable } from './text-table';
import type { CliStores, CliWiring } from './wiring';
import {
  agoText,
  bytesText,
  countText,
  isoOrNull,
  isoText,
  lengthText,
  minuteText,
  percentText,
  plural,
} from './wording';

export interface PairFilter {
  readonly symbol?: string;
  readonly timeframe?: string;
}

/** Start of what a timeframe keeps, or null when it keeps all. */
export function retainedFrom(config: Config, pair: Pair, now: EpochMs): EpochMs | null {
  const fill = config.rules(pair.timeframe).fill;
  return fill === 'earliest' ? null : now - fill.days * DAY;
}

/** The coverage of the pairs chosen, symbol by symbol. */
export async function coverageOf(wiring: CliWiring, filter: PairFilter): Promise<PairCoverage[]> {
  const config = wiring.config();
  const stores = await wiring.stores();
  const now = wiring.clock.now();
  const rows: PairCoverage[] = [];
  for (const pair of selectedPairs(await followedBy(wiring), filter)) {
    rows.push(await pairCoverage(stores, pair, now, config.settleMs, retainedFrom(config, pair, now)));
  }
  return rows;
}

export async function showCoverage(wiring: CliWiring, options: FormatOptions & PairFilter): Promise<void> {
  const rows = await coverageOf(wiring, options);
  const { source } = await wiring.stores();
  const text = textTable<PairCoverage>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'first (UTC)', cell: (row) => minuteText(row.extent?.first ?? null) },
      { title: 'last (UTC)', cell: (row) => minuteText(row.extent?.last ?? null) },
      { title: 'candles', cell: (row) => countText(row.extent?.count ?? 0), align: 'right' },
      { title: 'holes', cell: (row) => `${row.unexplained}+${row.empty + row.outage}`, align: 'right' },
      {
        title: 'covered',
        cell: (row) => (row.extent === null ? '-' : percentText(coverageShare(row))),
        align: 'right',
      },
      { title: 'state', cell: coverageWords },
    ],
    rows,
  );
  const legend = 'holes: unexplained + explained (the exchange has no candle there either)\n';
  const sentences = rows.filter((row) => row.slots > (row.extent?.count ?? 0)).map(holeSentence);
  print(wiring, options, {
    text: `${text}${legend}${sentences.join('')}`,
    json: { source, pairs: rows.map(coverageJson) },
  });
}

/** What is missing of a pair, and why, with all numbers. */
function holeSentence(row: PairCoverage): string {
  const missing = row.slots - (row.extent?.count ?? 0);
  const unasked = Math.max(0, row.unexplained - row.suspect);
  const parts = [
    row.outage > 0 ? `${countText(row.outage)} while the exchange was down` : '',
    row.empty > 0 ? `${countText(row.empty)} that the exchange does not have` : '',
    row.suspect > 0 ? `${countText(row.suspect)} not decided yet` : '',
    unasked > 0 ? `${countText(unasked)} not asked for yet` : '',
  ];
  const head = `${pairKey(row.pair)}: ${countText(missing)} of ${countText(row.slots)} slots are not stored`;
  return `${head}, ${plural(row.ranges, 'gap')} in the ledger:\n  ${parts.filter((part) => part !== '').join(', ')}\n`;
}

function coverageJson(row: PairCoverage): unknown {
  return {
    symbol: row.pair.symbol,
    timeframe: row.pair.timeframe,
    first: isoOrNull(row.extent?.first),
    last: isoOrNull(row.extent?.last),
    count: row.extent?.count ?? 0,
    slots: row.slots,
    holes_explained: row.empty + row.outage,
    holes_outage: row.outage,
    holes_suspect: row.suspect,
    holes_unexplained: row.unexplained,
    exchange_earliest: isoOrNull(row.earliest),
    missing_before: row.before,
    behind: row.behind,
    covered: coverageShare(row),
    state: coverageWords(row),
  };
}

interface GapRow {
  readonly pair: Pair;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly slots: number;
  readonly state: string;
  readonly asks: number;
  readonly lastAskedAt: EpochMs | null;
}

export async function showGaps(wiring: CliWiring, options: FormatOptions & PairFilter): Promise<void> {
  const stores = await wiring.stores();
  const pairs = selectedPairs(await followedBy(wiring), options);
  const rows = (await Promise.all(pairs.map(async (pair) => gapsOf(stores, pair)))).flat();
  const refused = (await Promise.all(pairs.map(async (pair) => quarantineOf(stores, pair)))).flat();
  const text = textTable<GapRow>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'from (UTC)', cell: (row) => minuteText(row.from) },
      { title: 'to (UTC)', cell: (row) => minuteText(row.to) },
      { title: 'slots', cell: (row) => countText(row.slots), align: 'right' },
      { title: 'state', cell: (row) => row.state },
      { title: 'asks', cell: (row) => String(row.asks), align: 'right' },
      {
        title: 'last asked',
        cell: (row) => (row.lastAskedAt === null ? '-' : agoText(row.lastAskedAt, wiring.clock.now())),
      },
    ],
    rows,
  );
  const refusals = refused.map(
    (row) => `${pairKey(row.pair)}: ${plural(row.rows, 'row')} refused (${row.reason}), last ${isoText(row.lastAt)}\n`,
  );
  const gaps = rows.length === 0 ? 'no gaps\n' : text;
  print(wiring, options, {
    text: `${gaps}${refusals.join('')}`,
    json: { gaps: rows.map(gapJson), quarantined: refused.map(quarantineJson) },
  });
}

/** What the ledger knows, and the holes of the store that it does not know. */
async function gapsOf(stores: CliStores, pair: Pair): Promise<GapRow[]> {
  const holes = await stores.candles.holes(pair);
  const known = await stores.gapLedger.list(pair);
  const unknown = subtractRanges(pair.timeframe, holes, known).map((range): GapRow => {
    const slots = countSlots(pair.timeframe, range);
    return { pair, ...range, slots, state: 'not asked yet', asks: 0, lastAskedAt: null };
  });
  const rows = [...known.map((gap) => knownRow(pair, gap)), ...unknown];
  return rows.toSorted((a, b) => a.from - b.from);
}

function knownRow(pair: Pair, gap: KnownGap): GapRow {
  const slots = countSlots(pair.timeframe, gap);
  const { from, to, state, asks, lastAskedAt } = gap;
  if (asks === 0) return { pair, from, to, slots, state: 'not asked yet', asks, lastAskedAt: null };
  return { pair, from, to, slots, state, asks, lastAskedAt };
}

function gapJson(row: GapRow): unknown {
  const { pair, slots, state, asks } = row;
  const range = { from: isoText(row.from), to: isoText(row.to), slots };
  return {
    symbol: pair.symbol,
    timeframe: pair.timeframe,
    ...range,
    state,
    asks,
    last_asked_at: isoOrNull(row.lastAskedAt),
  };
}

interface QuarantineRow {
  readonly pair: Pair;
  readonly reason: string;
  readonly rows: number;
  readonly lastAt: EpochMs;
}

async function quarantineOf(stores: CliStores, pair: Pair): Promise<QuarantineRow[]> {
  const byReason = new Map<string, QuarantineRow>();
  for (const row of await stores.pairState.quarantined(pair)) {
    const before = byReason.get(row.reason);
    const lastAt = Math.max(before?.lastAt ?? 0, row.at);
    byReason.set(row.reason, { pair, reason: row.reason, rows: (before?.rows ?? 0) + 1, lastAt });
  }
  return [...byReason.values()];
}

function quarantineJson(row: QuarantineRow): unknown {
  const { pair, reason, rows } = row;
  return { symbol: pair.symbol, timeframe: pair.timeframe, reason, rows, last_at: isoText(row.lastAt) };
}

export async function showDataStatus(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const config = wiring.config();
  const stores = await wiring.stores();
  const followed = await followedBy(wiring);
  const pairs = await stores.candles.pairs();
  const extents = await Promise.all(pairs.map(async (pair) => stores.candles.extent(pair)));
  const candles = extents.reduce((sum, extent) => sum + (extent?.count ?? 0), 0);
  const { usedBytes: bytes, budgetBytes } = await stores.storage.measure();
  const states = await stores.pairState.symbolStates();
  const fills = await runningFills(wiring);
  const level = storageLevel(bytes, budgetBytes);
  const size = bytes === null ? 'not readable' : bytesText(bytes);
  const facts: [string, string][] = [
    ['source', stores.source],
    ['store', `${config.store} under ${config.dataDir}`],
    ['pairs', `${pairs.length} stored, ${followed.symbols.length * followed.timeframes.length} followed`],
    ['candles', countText(candles)],
    ['size', `${size} of ${budgetBytes === null ? 'a budget that can not be told' : bytesText(budgetBytes)}: ${level}`],
    ...states.map((state): [string, string] => [state.symbol, stateText(state.activation, state.reason)]),
    ...(fills ?? []).map((fill): [string, string] => [`fill ${fill.symbol} ${fill.timeframe}`, fillText(fill)]),
    ...(fills === null ? [['fills', 'not known: Temporal does not answer'] as [string, string]] : []),
  ];
  const json = {
    source: stores.source,
    store: config.store,
    data_dir: config.dataDir,
    pairs: pairs.length,
    candles,
    bytes,
    budget_bytes: budgetBytes,
    level,
    symbols: states.map(({ symbol, activation, since, reason }) => ({
      symbol,
      activation,
      since: isoText(since),
      reason,
    })),
    fills: fills === null ? null : fills.map(fillJson),
  };
  print(wiring, options, { text: textFacts(facts), json });
}

function stateText(activation: string, reason: string | null): string {
  return reason === null ? activation : `${activation}: ${reason}`;
}

/** Fills that run, or null when Temporal does not answer: the stores can be shown all the same. */
async function runningFills(wiring: CliWiring): Promise<FillView[] | null> {
  try {
    return (await (await wiring.control()).fills()).filter((fill) => fill.status === 'running');
  } catch (error) {
    if (error instanceof TemporalUnreachable) return null;
    throw error;
  }
}

function fillText(fill: FillView): string {
  const share = fill.progress === null ? '' : `, ${percentText(fill.progress)}`;
  const rate = fill.candlesASecond === null ? '' : `, ${countText(Math.round(fill.candlesASecond))} a second`;
  const rest = fill.etaMs === null ? '' : `, ${lengthText(fill.etaMs)} left`;
  return `${fill.status}: ${countText(fill.stored)} stored, reached ${minuteText(fill.reached)}${share}${rate}${rest}`;
}

function fillJson(fill: FillView): unknown {
  return {
    symbol: fill.symbol,
    timeframe: fill.timeframe,
    workflow_id: fill.workflowId,
    status: fill.status,
    stored: fill.stored,
    reached: isoOrNull(fill.reached),
    progress: fill.progress,
    candles_a_second: fill.candlesASecond,
    seconds_left: fill.etaMs === null ? null : Math.round(fill.etaMs / 1000),
  };
}
