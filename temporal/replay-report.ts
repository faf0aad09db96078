/** What a replay tells at its end, read from the stores and the journal: the same after any interruption. */
import type { ReplayReport } from '../src/cli/wiring';
import { countRanges, subtractRanges } from '../src/domain/coverage';
import { MODEL_REPORT } from '../src/domain/names';
import { countSlots, lastClosedOpen, shiftSlots } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import type { JobRecord, SlotRecord } from './replay-journal';
import { replayStory } from './replay-story';
import type { Stores } from './stores';

export interface ReplaySpan {
  readonly pairs: readonly Pair[];
  /** Boundaries in (from, to] are told of. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** The last slot is due by then. */
  readonly end: EpochMs;
  /** Cycles that it takes, and trainings and reports. */
  readonly planned: number;
  readonly plannedJobs: number;
  /** The last slot that the folder has run, which may be later than `end`. */
  readonly standsAt: EpochMs;
}

type BoundaryTold = ReplayReport['not_done'][number];

export async function replayReport(
  stores: Stores,
  { records, jobs }: { readonly records: readonly SlotRecord[]; readonly jobs: readonly JobRecord[] },
  span: ReplaySpan,
): Promise<ReplayReport> {
  const pairs = await Promise.all(span.pairs.map((pair) => reportPair(stores, pair, span)));
  const boundaries = await reportBoundaries(stores, span);
  const seconds = records.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  const looks = records.filter(({ breaches }) => breaches !== null);
  return {
    from: iso(span.from),
    to: iso(span.to),
    stands_at: span.standsAt > span.end ? iso(span.standsAt) : null,
    complete: records.length === span.planned && jobs.length === span.plannedJobs,
    planned: span.planned,
    cycles: { total: records.length, ...tally(records.map(({ outcome }) => [outcome, 1])) },
    seconds: Number(seconds.toFixed(1)),
    cycles_a_second: seconds === 0 ? null : Number((records.length / seconds).toFixed(2)),
    models: {
      trainings: jobs.filter(({ job }) => job !== MODEL_REPORT).length,
      reports: jobs.filter(({ job }) => job === MODEL_REPORT).length,
      seconds: Number((jobs.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000).toFixed(1)),
    },
    ...boundaries,
    generations: Math.max(0, ...records.map(({ generation }) => generation ?? 0)),
    statuses: tally(records.flatMap(({ statuses }) => Object.entries(statuses))),
    verified: {
      cycles: looks.length,
      breaches: looks.flatMap(({ due, breaches }) => (breaches ?? []).map((sentence) => `${iso(due)} ${sentence}`)),
    },
    pairs,
    story: await replayStory(stores, [...new Set(span.pairs.map(({ timeframe }) => timeframe))], span.end),
  };
}

/** All of it by `to`, also where the folder was replayed further; only what a gap is taken for is as known now. */
async function reportPair({ candles, state }: Stores, pair: Pair, { to, end }: ReplaySpan) {
  const { timeframe } = pair;
  const through = lastClosedOpen(timeframe, to, 0);
  const last = (await candles.last(pair, 1, through))[0]?.openTime ?? null;
  const first = last === null ? null : ((await candles.extent(pair))?.first ?? null);
  const stored = first === null || last === null ? null : { from: first, to: last };
  const holes = stored === null ? [] : await candles.holes(pair, stored);
  const gaps = (await state.gapLedger.list(pair))
    .filter((gap) => gap.from <= through)
    .map((gap) => ({ ...gap, to: Math.min(gap.to, through) }));
  // The first cycle forecasts from candles that had closed before the replay begins.
  const forecasts = await state.forecastLedger.list(pair, 'champion', 0, to);
  const scores = await state.forecastLedger.scores(pair, 'champion', 0, to);
  return {
    pair: pairKey(pair),
    candles: stored === null ? 0 : await candles.count(pair, stored),
    first: first === null ? null : iso(first),
    last: last === null ? null : iso(last),
    holes: countRanges(timeframe, holes),
    unexplained: countRanges(timeframe, subtractRanges(timeframe, holes, gaps)),
    gaps: gaps.map((gap) => ({
      from: iso(gap.from),
      slots: countSlots(timeframe, gap),
      state: gap.state,
      asks: gap.asks,
    })),
    revised: (await state.pairState.revisions(pair)).filter(({ at }) => at <= end).length,
    quarantined: (await state.pairState.quarantined(pair)).filter(({ openTime }) => (openTime ?? 0) <= through).length,
    forecasts: forecasts.length,
    steps_scored: scores.filter(({ dataThrough, step }) => shiftSlots(timeframe, dataThrough, step) <= to).length,
  };
}

async function reportBoundaries(
  { state }: Stores,
  { pairs, from, to }: ReplaySpan,
): Promise<Pick<ReplayReport, 'boundaries' | 'not_done'>> {
  const counts: [string, number][] = [];
  const notDone: BoundaryTold[] = [];
  for (const timeframe of new Set(pairs.map((pair) => pair.timeframe))) {
    for (const { boundary, outcome, reason } of await state.runLog.boundaries(timeframe, from + 1, to)) {
      counts.push([outcome, 1]);
      if (outcome !== 'done') notDone.push({ timeframe, boundary: iso(boundary), outcome, reason });
    }
  }
  return { boundaries: tally(counts), not_done: notDone };
}

function tally(entries: readonly (readonly [string, number])[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [word, count] of entries) counts[word] = (counts[word] ?? 0) + count;
  return counts;
}

function iso(time: EpochMs): string {
  return new Date(time).toISOString();
}
