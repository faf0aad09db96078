/** What was forecast earlier, beside what came: the newest scored steps of the champion, from the ledger alone (SPEC 6). */
import { shiftSlots } from '../domain/timeframe';
import type { EpochMs, Pair, TimeframeId } from '../domain/types';
import type { ForecastLedger, ForecastRecord, ForecastScore } from '../ports/forecast-ledger';
import { isoTime } from './canonical-json';
import type { PastForecasts } from './documents';

/** Steps ahead whose past a document shows: the next candle, some candles on, and the whole horizon. */
const PAST_STEPS = [1, 6, 24] as const;
/** Targets shown for each of these steps: the newest. */
const PAST_TARGETS = 24;

/**
 * The champion's scored forecasts whose target closed at or before `through`. Where two versions forecast from the same
 * close, the one that was issued first counts, as it does for the track record.
 */
export async function readPastForecasts(
  ledger: Pick<ForecastLedger, 'list' | 'scores'>,
  pair: Pair,
  through: EpochMs,
): Promise<PastForecasts> {
  const from = shiftSlots(pair.timeframe, through, 1 - PAST_TARGETS - Math.max(...PAST_STEPS));
  const [records, scores] = await Promise.all([
    ledger.list(pair, 'champion', from, through),
    ledger.scores(pair, 'champion', from, through),
  ]);
  return pastForecasts(pair.timeframe, records, scores, through);
}

export function pastForecasts(
  timeframe: TimeframeId,
  records: readonly ForecastRecord[],
  scores: readonly ForecastScore[],
  through: EpochMs,
): PastForecasts {
  const first = new Map<EpochMs, ForecastRecord>();
  for (const record of records) {
    const known = first.get(record.dataThrough);
    if (known === undefined || record.issuedAt < known.issuedAt) first.set(record.dataThrough, record);
  }
  return PAST_STEPS.map((step) => ({
    step,
    targets: scores
      .filter((score) => score.step === step)
      .map((score) => pastTarget(timeframe, first.get(score.dataThrough), score, through))
      .filter((target) => target !== null)
      .toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1))
      .slice(-PAST_TARGETS),
  })).filter(({ targets }) => targets.length > 0);
}

function pastTarget(
  timeframe: TimeframeId,
  record: ForecastRecord | undefined,
  { step, modelVersion, dataThrough, actual, inside80 }: ForecastScore,
  through: EpochMs,
): PastForecasts[number]['targets'][number] | null {
  const row = record?.quantiles[step - 1];
  const closesAt = shiftSlots(timeframe, dataThrough, step);
  if (record?.modelVersion !== modelVersion || row === undefined || closesAt > through) return null;
  const [, lower, , price, , upper] = row;
  return { timestamp: isoTime(closesAt), price, lower_bound: lower, upper_bound: upper, actual, within: inside80 };
}
