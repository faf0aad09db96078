/** `data backfill`: fills of whole histories, and what they would cost. */
import type { Config } from '../config/config';
import { LIVE_FETCH_LIMIT } from '../domain/fetch-start';
import { PipelineError } from '../domain/errors';
import { MINUTE, countSlots, lastClosedOpen } from '../domain/timeframe';
import { pairKey, type EpochMs, type Pair } from '../domain/types';
import { findEarliest } from '../ingest/earliest';
import type { StartOutcome } from '../ports/control';
import { coverageOf, retainedFrom, type PairFilter } from './data-coverage';
import { bytesPerCandle } from './data-storage';
import { EXIT_CODES, endWith } from './exit-codes';
import { print, progressTo, type FormatOptions } from './output';
import { coverageWords, type PairCoverage } from './pair-coverage';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { countText, isoOrNull, messageOf, minuteText } from './wording';

export const BACKFILL_CHOICES = ['missing', 'failed', 'all'] as const;

export interface BackfillOptions extends FormatOptions, PairFilter {
  readonly only: (typeof BACKFILL_CHOICES)[number];
  readonly dryRun?: boolean;
}

/** Candles of one request. */
const PAGE = 1000;
/** Time of one request, sent one after the other. */
const REQUEST_MS = 200;
/** Weight of a page of candles and of all requests in a minute, as the reference exchange counts them. */
const PAGE_WEIGHT = 2;
const WEIGHT_A_MINUTE = 6000;

export async function backfill(wiring: CliWiring, options: BackfillOptions): Promise<void> {
  const chosen = await choose(wiring, options);
  if (options.dryRun === true) {
    await showPlan(wiring, options, chosen);
    return;
  }
  const control = await wiring.control();
  const rows: { pair: Pair; start: StartOutcome | null; error: string | null }[] = [];
  for (const { pair } of chosen) {
    try {
      rows.push({ pair, start: await control.startFill(pair.symbol, pair.timeframe), error: null });
    } catch (error) {
      rows.push({ pair, start: null, error: messageOf(error) });
    }
  }
  const table = textTable<(typeof rows)[number]>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'fill', cell: (row) => row.start?.kind.replaceAll('_', ' ') ?? 'failed' },
      { title: 'workflow', cell: (row) => row.start?.workflowId ?? row.error ?? '' },
    ],
    rows,
  );
  const json = rows.map(({ pair, start, error }) => ({
    ...pair,
    outcome: start?.kind ?? 'failed',
    workflow_id: start?.workflowId ?? null,
    run_id: start?.runId ?? null,
    error,
  }));
  print(wiring, options, { text: rows.length === 0 ? 'nothing to fill\n' : table, json: { fills: json } });
  const failed = rows.filter((row) => row.start === null).length;
  if (failed > 0) endWith(failed === rows.length ? EXIT_CODES.failure : EXIT_CODES.partial);
}

async function choose(wiring: CliWiring, options: BackfillOptions): Promise<PairCoverage[]> {
  const rows = await coverageOf(wiring, options);
  if (options.only === 'all') return rows;
  if (options.only === 'missing') return rows.filter((row) => isMissing(wiring.config(), row));
  const fills = await (await wiring.control()).fills();
  const failed = new Set(fills.filter((fill) => fill.status === 'failed').map((fill) => pairKey(fill)));
  return rows.filter((row) => failed.has(pairKey(row.pair)));
}

/**
 * A cycle adds what is new by itself: a fill is needed by what lies further back, by more than a cycle fetches, and by a
 * whole history whose start is not known. What is kept for some days only never gets a known start, nor does it need one.
 */
function isMissing(config: Config, row: PairCoverage): boolean {
  const { pair, extent, earliest, before, unexplained, behind } = row;
  if (extent === null) return !row.forming;
  const startUnknown = config.rules(pair.timeframe).fill === 'earliest' && earliest === null;
  return startUnknown || before > 0 || unexplained > 0 || behind > LIVE_FETCH_LIMIT;
}

interface PlanRow {
  readonly pair: Pair;
  /** Null where the exchange has no closed candle of it. */
  readonly from: EpochMs | null;
  readonly candles: number;
  readonly requests: number;
  readonly minutes: number;
  readonly megabytes: number;
  readonly why: string;
  /** Why nothing can be said of it. */
  readonly error: string | null;
}

async function showPlan(wiring: CliWiring, options: BackfillOptions, chosen: readonly PairCoverage[]): Promise<void> {
  const bytes = await bytesPerCandle(await wiring.stores());
  const rows: PlanRow[] = [];
  for (const row of chosen) rows.push(await planOf(wiring, row, bytes));
  const sum = (pick: (row: PlanRow) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  const total = {
    requests: sum((row) => row.requests),
    minutes: sum((row) => row.minutes),
    megabytes: sum((row) => row.megabytes),
  };
  const table = textTable<PlanRow>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'from (UTC)', cell: (row) => (row.from === null ? '-' : minuteText(row.from)) },
      { title: 'candles', cell: (row) => countText(row.candles), align: 'right' },
      { title: 'requests', cell: (row) => countText(row.requests), align: 'right' },
      { title: 'minutes', cell: (row) => row.minutes.toFixed(1), align: 'right' },
      { title: 'MB', cell: (row) => row.megabytes.toFixed(1), align: 'right' },
      { title: 'now', cell: (row) => row.error ?? row.why },
    ],
    rows,
  );
  const line = `in all about ${countText(total.requests)} requests, ${total.minutes.toFixed(1)} minutes, ${total.megabytes.toFixed(1)} MB; nothing was started\n`;
  const json = {
    dry_run: true,
    pairs: rows.map(({ pair, from, ...rest }) => ({ ...pair, from: isoOrNull(from), ...rest })),
    total,
  };
  print(wiring, options, { text: rows.length === 0 ? 'nothing to fill\n' : `${table}${line}`, json });
  const failed = rows.filter(({ error }) => error !== null).length;
  if (failed > 0) endWith(failed === rows.length ? EXIT_CODES.failure : EXIT_CODES.partial);
}

async function planOf(wiring: CliWiring, row: PairCoverage, candleBytes: number): Promise<PlanRow> {
  const config = wiring.config();
  const now = wiring.clock.now();
  const nothing = { pair: row.pair, from: null, candles: 0, requests: 0, minutes: 0, megabytes: 0, error: null };
  let from: EpochMs | null;
  try {
    from = await startOf(wiring, config, row, now);
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return { ...nothing, why: coverageWords(row), error: error.message };
  }
  if (from === null) return { ...nothing, why: 'the exchange has no closed candle of it yet' };
  const { timeframe } = row.pair;
  const inAll = countSlots(timeframe, { from, to: lastClosedOpen(timeframe, now, config.settleMs) });
  const have = row.extent === null ? 0 : row.slots - row.unexplained;
  const candles = Math.max(0, inAll - have);
  const requests = Math.ceil(candles / PAGE) + 2;
  const perRequest = Math.max(REQUEST_MS, (PAGE_WEIGHT * MINUTE) / (WEIGHT_A_MINUTE * config.exchangeWeightShare));
  const minutes = (requests * perRequest) / MINUTE;
  return {
    pair: row.pair,
    from,
    candles,
    requests,
    minutes,
    megabytes: (candles * candleBytes) / 1e6,
    why: coverageWords(row),
    error: null,
  };
}

/** Where the exchange's history begins, if it has: as remembered, else by two probes of different size, and remembered then. */
async function startOf(wiring: CliWiring, config: Config, row: PairCoverage, now: EpochMs): Promise<EpochMs | null> {
  const kept = retainedFrom(config, row.pair, now);
  if (kept !== null) return kept;
  if (row.earliest !== null) return row.earliest;
  progressTo(wiring)(`asking the exchange for the first candle of ${pairKey(row.pair)}`);
  const exchange = await wiring.exchange();
  const first = await findEarliest(exchange, { pair: row.pair, asOf: now });
  // Found as a fill would find it, so the fill need not ask again.
  if (first !== null) await (await wiring.stores()).pairState.setEarliest(row.pair, { openTime: first, provenAt: now });
  return first;
}
