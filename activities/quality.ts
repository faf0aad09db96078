/** How past forecasts did: targets that have closed are scored, and the track record is made from the scores alone. */
import { metricValue } from '../src/domain/metric';
import { naiveScale, scoreForecast, skillAgainstNaive, summariseScores } from '../src/domain/scores';
import { skillOf } from '../src/domain/skill';
import { closeOf, forecastTimes, lastClosedOpen, shiftSlots } from '../src/domain/timeframe';
import type { EpochMs, Pair, SlotRange } from '../src/domain/types';
import type { ForecastRecord, ForecastRole, ForecastScore } from '../src/ports/forecast-ledger';
import type { Quality } from '../src/publish/documents';
import type { ActivityPorts } from './ports';

/** Scores every step whose target has closed by `asOf` and whose candle is stored. Repeating it changes nothing. */
export async function scoreClosedTargets(ports: ActivityPorts, pair: Pair, asOf: EpochMs): Promise<number> {
  if (ports.settings.rules(pair.timeframe).horizon === 0) return 0;
  const records = await ports.forecastLedger.unscored(pair, asOf, await decidedEmpty(ports, pair));
  const [first] = records;
  if (first === undefined) return 0;
  const closes = await closesByTime(ports, pair, first.dataThrough, asOf);
  const scores = records.flatMap((record) => scoresOf(record, closes));
  await ports.forecastLedger.recordScores(scores);
  return scores.length;
}

/** Targets whose candle the exchange does not have: to wait for one would read all candles since, at every export. */
async function decidedEmpty(ports: ActivityPorts, pair: Pair): Promise<(close: EpochMs) => boolean> {
  const gaps = (await ports.gapLedger.list(pair)).filter(({ state }) => state !== 'suspect');
  return (close) => gaps.some(({ from, to }) => from < close && close <= closeOf(pair.timeframe, to));
}

/**
 * Scores anew every step whose target lies in `range`, since its candle has other values now than when it was scored. The
 * forecasts stay as they were issued.
 */
export async function scoreChangedTargets(
  ports: ActivityPorts,
  pair: Pair,
  range: SlotRange,
  asOf: EpochMs,
): Promise<number> {
  const { horizon } = ports.settings.rules(pair.timeframe);
  if (horizon === 0) return 0;
  const from = shiftSlots(pair.timeframe, range.from, -horizon);
  const records: ForecastRecord[] = [];
  for (const role of ROLES) records.push(...(await ports.forecastLedger.list(pair, role, from, range.to)));
  if (records.length === 0) return 0;
  const until = Math.min(asOf, shiftSlots(pair.timeframe, range.to, 2));
  const closes = await closesByTime(ports, pair, range.from, until);
  const scores = records.flatMap((record) => scoresOf(record, closes));
  await ports.forecastLedger.recordScores(scores);
  return scores.length;
}

const ROLES: readonly ForecastRole[] = ['champion', 'shadow', 'naive'];

function scoresOf(record: ForecastRecord, closes: ReadonlyMap<EpochMs, number>): ForecastScore[] {
  const { pair, role, modelVersion, dataThrough } = record;
  const times = forecastTimes(pair.timeframe, dataThrough, record.quantiles.length);
  const actuals = times.map((time) => closes.get(time) ?? null);
  return scoreForecast(record.quantiles, record.lastClose, actuals).map((score) => ({
    ...score,
    pair,
    role,
    modelVersion,
    dataThrough,
  }));
}

/** Closes by the time of the close, for candles that open at or after `from`. */
async function closesByTime(
  ports: ActivityPorts,
  pair: Pair,
  from: EpochMs,
  asOf: EpochMs,
): Promise<ReadonlyMap<EpochMs, number>> {
  const closes = new Map<EpochMs, number>();
  const to = lastClosedOpen(pair.timeframe, asOf, ports.settings.settleMs);
  for (let at = from; at <= to;) {
    const page = await ports.candles.read(pair, { from: at, to });
    for (const candle of page) closes.set(closeOf(pair.timeframe, candle.openTime), candle.close);
    const last = page.at(-1);
    if (last === undefined) break;
    at = closeOf(pair.timeframe, last.openTime);
  }
  return closes;
}

/** What a track record is made from. */
export type TrackRecordPorts = Pick<ActivityPorts, 'candles' | 'forecastLedger'> & {
  readonly settings: Pick<ActivityPorts['settings'], 'rules'>;
};

/** The champion's track record over the evaluation window, against the naive forecasts of the same targets. */
export async function trackRecord(ports: TrackRecordPorts, pair: Pair, asOf: EpochMs): Promise<Quality> {
  const { evaluationSlots } = ports.settings.rules(pair.timeframe);
  const from = shiftSlots(pair.timeframe, asOf, -evaluationSlots);
  const champion = await ports.forecastLedger.scores(pair, 'champion', from, asOf);
  const naive = await ports.forecastLedger.scores(pair, 'naive', from, asOf);
  const before = await ports.candles.last(pair, evaluationSlots, from);
  const scale = naiveScale(before.map(({ close }) => close));
  const summary = summariseScores(champion, scale);
  const scored = new Set(champion.map(targetOf));
  const sameTargets = naive.filter((score) => scored.has(targetOf(score)));
  const naiveTargets = new Set(sameTargets.map(targetOf));
  const paired = summariseScores(
    champion.filter((score) => naiveTargets.has(targetOf(score))),
    scale,
  );
  return {
    mae: metricValue(summary.mae),
    smape: metricValue(summary.smape),
    mase: metricValue(summary.mase),
    directional_accuracy: metricValue(summary.directionalAccuracy),
    coverage: {
      '50': metricValue(summary.coverage50),
      '80': metricValue(summary.coverage80),
      '95': metricValue(summary.coverage95),
    },
    skill_vs_naive: metricValue(skillAgainstNaive(paired.pinball, summariseScores(sameTargets, scale).pinball)),
    sample_count: summary.sampleCount,
    evaluation_window: `${evaluationSlots} x ${pair.timeframe}`,
    skill: skillOf(champion, naive, ports.settings.rules(pair.timeframe).horizon),
  };
}

function targetOf({ dataThrough, step }: ForecastScore): string {
  return `${dataThrough} ${step}`;
}
