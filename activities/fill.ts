/** The whole history of one pair, page by page; and what follows when it is there. */
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { visibilityOf } from '../src/domain/activation';
import { hasBackwardGap } from '../src/domain/coverage';
import { PipelineError } from '../src/domain/errors';
import { DAY, lastClosedOpen, shiftSlots } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import { findEarliest } from '../src/ingest/earliest';
import { fill } from '../src/ingest/fill';
import { ACTIVATION_TIMEFRAME, firstHour } from './activation';
import type { FillInput, FillProgress, SettleFillResult } from './contract';
import { describeFailure, toApplicationFailure } from './failures';
import { quarantineWhenGone, stateOf } from './quarantine';
import { fetchStart } from './fetch';
import type { ActivityPorts } from './ports';
import { repairPair } from './repair';

const HEARTBEAT_MS = 10_000;

export function createFillPages(ports: ActivityPorts) {
  return (input: FillInput): Promise<FillProgress> =>
    recorded(ports, input, async (tell) => {
      const pair: Pair = { symbol: input.symbol, timeframe: input.timeframe };
      const signal = cancellationSignal();
      const startedAt = ports.clock.now();
      // An attempt that waited since the fill began asks for what has closed by now: else a young symbol's first candle
      // never comes.
      const asOf = input.virtual ? input.asOf : Math.max(input.asOf, startedAt);
      const from = await fillFrom(ports, pair, asOf, signal);
      await refuseWhenFull(ports, pair, asOf);
      const pagesFrom = (start: EpochMs) =>
        fill(ports, { pair, from: start, asOf, signal, onPage: (page) => tell({ ...page, startedAt }) });
      const progress = await pagesFrom(from);
      const nothingClosed = progress.from > progress.to;
      if (nothingClosed || (await reachesBack(ports, pair, from))) return { ...progress, startedAt };
      const again = await findEarliestAgain(ports, pair, from, asOf, signal);
      const rest = await pagesFrom(again);
      if (await reachesBack(ports, pair, again))
        return { ...rest, stored: progress.stored + rest.stored, reached: rest.reached ?? progress.reached, startedAt };
      throw new PipelineError(
        'no_progress',
        `${pairKey(pair)}: the exchange names ${new Date(again).toISOString()} as its first candle and gives later ones only`,
      );
    });
}

/** Holes are asked about, the symbol is judged, and the cycles that now have something to publish are named. */
export function createSettleFill(ports: ActivityPorts) {
  return (input: FillInput): Promise<SettleFillResult> =>
    recorded(ports, input, async () => {
      const pair: Pair = { symbol: input.symbol, timeframe: input.timeframe };
      const now = input.virtual ? input.asOf : Math.max(input.asOf, ports.clock.now());
      const repair = await repairPair(ports, pair, input.asOf, {
        priority: 'fill',
        now,
        signal: cancellationSignal(),
      });
      const symbol = await stateOf(ports, pair.symbol);
      const visible = visibilityOf(symbol?.activation) === 'visible';
      const cycles = repair.becameReady ? ports.settings.timeframes : visible ? [pair.timeframe] : [];
      return { repair, cycles };
    });
}

/** Open time from which history is wanted; the exchange's earliest candle is found once and remembered. */
async function fillFrom(ports: ActivityPorts, pair: Pair, asOf: EpochMs, signal: AbortSignal): Promise<EpochMs> {
  const rules = ports.settings.rules(pair.timeframe);
  if (rules.fill !== 'earliest') return shiftSlots(pair.timeframe, asOf - rules.fill.days * DAY, 1);
  const known = await ports.pairState.earliest(pair);
  return known?.openTime ?? findAndKeepEarliest(ports, pair, asOf, signal);
}

async function findAndKeepEarliest(
  ports: ActivityPorts,
  pair: Pair,
  asOf: EpochMs,
  signal: AbortSignal,
): Promise<EpochMs> {
  const found =
    (await findEarliest(ports.exchange, { pair, asOf, signal })) ?? (await formingOfYoungSymbol(ports, pair, asOf));
  if (found === null)
    throw new PipelineError('empty_response', `${pairKey(pair)}: the exchange has no closed candle yet`);
  await ports.pairState.setEarliest(pair, { openTime: found, provenAt: ports.clock.now() });
  return found;
}

/**
 * A young symbol has no closed week or month yet: the exchange gives none, and its first 1h candle is of the slot now
 * forming. History begins there, and nothing is due before that slot closes. Null: an answer without candles is a failure.
 * The monitor waits for the next slot too, which may be all that is given (`hasClosedSlot`); here a closed one is due.
 */
async function formingOfYoungSymbol(
  ports: ActivityPorts,
  { symbol, timeframe }: Pair,
  asOf: EpochMs,
): Promise<EpochMs | null> {
  if (timeframe === ACTIVATION_TIMEFRAME) return null;
  const first = await firstHour(ports, symbol);
  const forming = shiftSlots(timeframe, lastClosedOpen(timeframe, asOf, 0), 1);
  return first !== null && first >= forming ? forming : null;
}

/** After a fill the first stored candle is the one that was wanted (P4). */
async function reachesBack(ports: ActivityPorts, pair: Pair, from: EpochMs): Promise<boolean> {
  if (!ports.settings.rules(pair.timeframe).backwardCoverage) return true;
  const extent = await ports.candles.extent(pair);
  return extent !== null && !hasBackwardGap(extent.first, from);
}

/**
 * Some exchanges give their oldest candles no more after a time. What is not given now would be due for ever, so the
 * earliest candle is found anew, and is the one that history has to reach back to from here on.
 */
async function findEarliestAgain(
  ports: ActivityPorts,
  pair: Pair,
  before: EpochMs,
  asOf: EpochMs,
  signal: AbortSignal,
): Promise<EpochMs> {
  const now = await findAndKeepEarliest(ports, pair, asOf, signal);
  const [was, is] = [before, now].map((time) => new Date(time).toISOString());
  ports.log.warn({ pair: pairKey(pair), was, is }, 'a fill did not reach the earliest candle: it was found anew');
  return now;
}

/** At the block level of the storage budget no new full fill starts, on any timeframe. */
async function refuseWhenFull(ports: ActivityPorts, pair: Pair, asOf: EpochMs): Promise<void> {
  const start = await fetchStart(ports, pair, await ports.candles.extent(pair), asOf);
  if (start.reason !== 'blocked_storage_guard') return;
  throw new PipelineError('storage_blocked', `${pairKey(pair)}: no fill starts while the storage budget is used up`);
}

/** Failures are recorded where a success ends them, whatever stage the table gives their code. */
const FILL_STAGE = 'ingest';

/** Records how it went, and heartbeats all along with the last progress, whatever the work is waiting for. */
async function recorded<T>(
  ports: ActivityPorts,
  { symbol, timeframe, asOf }: FillInput,
  work: (tell: (progress: FillProgress) => void) => Promise<T>,
): Promise<T> {
  const pair: Pair = { symbol, timeframe };
  let latest: FillProgress | undefined;
  const timer = setInterval(() => heartbeat(latest), HEARTBEAT_MS);
  try {
    const value = await work((progress) => {
      latest = progress;
      heartbeat(latest);
    });
    await ports.pairState.recordSuccess(pair, FILL_STAGE, ports.clock.now());
    return value;
  } catch (error) {
    cancellationSignal().throwIfAborted();
    const { code, message } = describeFailure(error);
    await quarantineWhenGone(ports, pair, { code, message, stage: FILL_STAGE }, asOf);
    await ports.pairState.recordFailure(pair, FILL_STAGE, ports.clock.now(), code, message).catch(() => {});
    throw toApplicationFailure(error, 'here');
  } finally {
    clearInterval(timer);
  }
}
