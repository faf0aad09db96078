/** Detect and fetch of a live cycle: what is due, and the first page of it, one request a pair. */
import { sameValues } from '../src/domain/candle';
import { underfilled, underfillRange } from '../src/domain/coverage';
import { PipelineError } from '../src/domain/errors';
import { decideFetchStart, LIVE_FETCH_LIMIT } from '../src/domain/fetch-start';
import type { FetchStart } from '../src/domain/fetch-start';
import { explainingGaps } from '../src/domain/gap-decision';
import { HOUR, lastClosedOpen, shiftSlots } from '../src/domain/timeframe';
import type { Candle, EpochMs, Pair } from '../src/domain/types';
import { pairKey } from '../src/domain/types';
import { detect } from '../src/ingest/detect';
import { recordDueSlots } from '../src/ingest/due-slots';
import type { Extent } from '../src/ports/candle-store';
import { ACTIVATION_TIMEFRAME, judgeActivation } from './activation';
import type { FetchResult, LiveFetch, StageInput } from './contract';
import { ExchangeSilence } from './exchange-silence';
import { describeFailure } from './failures';
import { quarantineWhenGone } from './quarantine';
import type { ActivityPorts } from './ports';
import { forEachSymbol } from './stage';
import { currentStorageLevel } from './storage';
import { rowOf } from './write';

/** In a larger group each pair may hand on fewer candles, so that the group's payload stays under 64 KB. */
const GROUP_LIMIT = 28;

/**
 * One list of markets that was cut short must not cost a pair its whole slot, a month perhaps; and answers that put a symbol
 * into quarantine must lie far enough apart to be no passing ones.
 */
const ASK_AGAIN_MS = HOUR / 2;

export function createFetch(ports: ActivityPorts) {
  return (input: StageInput) => {
    const silence = new ExchangeSilence(ports.exchange);
    return forEachSymbol<FetchResult>(ports, 'detect', input, async (pair, signal) => {
      try {
        return await silence.guard(() => fetchPair(ports, pair, input, signal), signal);
      } catch (error) {
        const failure = describeFailure(error);
        if (failure.code !== 'bad_symbol') throw error;
        const gone = await quarantineWhenGone(ports, pair, { ...failure, stage: 'detect' }, input.asOf);
        const again = { retry: 'wait', retryAfterMs: ASK_AGAIN_MS } as const;
        throw gone ? error : new PipelineError('bad_symbol', failure.message, { ...again, cause: error });
      }
    });
  };
}

async function fetchPair(
  ports: ActivityPorts,
  pair: Pair,
  input: StageInput,
  signal: AbortSignal,
): Promise<FetchResult> {
  const extent = await ports.candles.extent(pair);
  // Its rows are gone: a symbol that was ready is so no longer, and has to earn it anew (SPEC 3).
  if (extent === null && pair.timeframe === ACTIVATION_TIMEFRAME)
    await judgeActivation(ports, pair.symbol, { asOf: input.asOf, now: input.asOf });
  const start = await fetchStart(ports, pair, extent, input.asOf);
  ports.log.debug({ pair: pairKey(pair), reason: start.reason, due: start.due }, 'fetch starts');
  ports.fetchCounter.started(pair.timeframe, start.reason);
  const limit = input.symbols.length > 1 ? GROUP_LIMIT : LIVE_FETCH_LIMIT;
  const tooMuch = start.live !== null && start.live > limit;
  if (tooMuch || (start.needsFill && start.live === null)) return { kind: 'fill', reason: start.reason };
  if (extent === null || start.live === null) return { kind: 'up_to_date' };
  const result = await fetchNew(ports, pair, extent.last, input.asOf, signal);
  return start.needsFill ? { ...result, fillBeside: start.reason } : result;
}

/** Where this pair's fetch starts and why (SPEC 2). */
export async function fetchStart(
  ports: ActivityPorts,
  pair: Pair,
  extent: Extent | null,
  asOf: EpochMs,
): Promise<FetchStart> {
  const rules = ports.settings.rules(pair.timeframe);
  const earliest = await ports.pairState.earliest(pair);
  return decideFetchStart({
    timeframe: pair.timeframe,
    rules,
    extent,
    earliest: earliest?.openTime ?? null,
    underfilledFrom:
      extent === null ? null : await underfilledFrom(ports, pair, extent.last, earliest?.openTime ?? null, asOf),
    storage: await currentStorageLevel(ports),
    asOf,
    settleMs: ports.settings.settleMs,
  });
}

/** Where the recent rows that fail the underfill guard begin; null when they pass or the timeframe has no such guard. */
async function underfilledFrom(
  ports: ActivityPorts,
  pair: Pair,
  lastStored: EpochMs,
  earliest: EpochMs | null,
  asOf: EpochMs,
): Promise<EpochMs | null> {
  const { underfillDays } = ports.settings.rules(pair.timeframe);
  if (underfillDays === null || earliest === null) return null;
  const { settleMs } = ports.settings;
  const range = underfillRange(pair.timeframe, { days: underfillDays, now: asOf, earliest, settleMs });
  // What has not been fetched yet is due anyway; the guard is about rows missing before the last stored one.
  const looked = { from: range.from, to: Math.min(range.to, lastStored) };
  if (looked.to < looked.from) return null;
  const stored = await ports.candles.count(pair, looked);
  const explained = explainingGaps(await ports.gapLedger.list(pair));
  return underfilled(pair.timeframe, looked, stored, explained) ? looked.from : null;
}

async function fetchNew(
  ports: ActivityPorts,
  pair: Pair,
  lastStored: EpochMs,
  asOf: EpochMs,
  signal: AbortSignal,
): Promise<LiveFetch> {
  const detection = await detect(ports.exchange, ports.clock, {
    pair,
    lastStored,
    asOf,
    settleMs: ports.settings.settleMs,
    signal,
    onRefused: (rows) => ports.pairState.quarantine(pair, rows, asOf),
  });
  if (detection.kind === 'silent') {
    const newest = lastClosedOpen(pair.timeframe, asOf, ports.settings.settleMs);
    const due = { from: shiftSlots(pair.timeframe, lastStored, 1), to: newest };
    await recordDueSlots(ports.gapLedger, pair, due, { at: asOf, failed: true });
    throw detection.error;
  }
  const { candles, fetchedAt, fresh, missing } = detection;
  if (detection.kind === 'none_yet' && missing > 0) return { kind: 'lagging' };
  if (fresh === 0 && (await storedAsTheyAre(ports, pair, candles))) return { kind: 'up_to_date' };
  return { kind: 'candles', rows: candles.map(rowOf), fetchedAt, fresh, missing };
}

/** The candles that were read again have the values that are stored. */
async function storedAsTheyAre(ports: ActivityPorts, pair: Pair, candles: readonly Candle[]): Promise<boolean> {
  const [first, last] = [candles[0], candles.at(-1)];
  if (first === undefined || last === undefined) return true;
  const stored = new Map(
    (await ports.candles.read(pair, { from: first.openTime, to: last.openTime })).map((candle) => [
      candle.openTime,
      candle,
    ]),
  );
  return candles.every((candle) => {
    const before = stored.get(candle.openTime);
    return before !== undefined && sameValues(before, candle);
  });
}
