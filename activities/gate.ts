/** Whether a pair may be shown and forecast, and what is due for it. */
import { visibilityOf } from '../src/domain/activation';
import { countSlots, closeOf, MINUTE, shiftSlots } from '../src/domain/timeframe';
import { countRanges, intersectRanges } from '../src/domain/coverage';
import { judgeGate } from '../src/domain/gate';
import type { GateInput } from '../src/domain/gate';
import { isAhead } from '../src/domain/run-order';
import type { EpochMs, Pair, SlotRange } from '../src/domain/types';
import type { DocumentReference } from '../src/ports/publication';
import { championOf } from './champion';
import type { GateResult, StageInput } from './contract';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { stateOf } from './quarantine';
import { forEachSymbol } from './stage';

export function createGate(ports: ActivityPorts) {
  return (input: StageInput) =>
    forEachSymbol<GateResult>(ports, 'gate', input, async (pair) => {
      const extent = await ports.candles.extent(pair);
      const stored = extent?.count ?? 0;
      const symbol = await stateOf(ports, pair.symbol);
      // What is published of it stays as it is and ages honestly (F74).
      if (symbol?.activation === 'quarantined') return { verdict: 'pass', due: 'none', stored };
      if (visibilityOf(symbol?.activation) !== 'visible') {
        return { verdict: 'hidden', reason: symbol?.reason ?? 'no 1h candle is stored', stored };
      }
      const last = extent === null ? null : Math.min(extent.last, lastUsableOpen(ports, pair, input.asOf));
      const reason = await gateReason(ports, pair, input.asOf);
      if (last === null || reason !== null)
        return { verdict: 'refused', reason: reason ?? 'no candle is stored', stored };
      const dataThrough = closeOf(pair.timeframe, last);
      const forecasts = ports.settings.rules(pair.timeframe).horizon > 0;
      const due =
        forecasts && (await forecastDue(ports, pair, last, input.asOf))
          ? 'forecast'
          : await documentsDue(ports, pair, dataThrough, input.asOf);
      return { verdict: 'pass', due, stored };
    });
}

/** Why what is stored of a pair is not enough to forecast from, with the counts; null when it is, or nothing is forecast. */
export async function gateReason(ports: ActivityPorts, pair: Pair, asOf: EpochMs): Promise<string | null> {
  const rules = ports.settings.rules(pair.timeframe);
  if (rules.horizon === 0) return null;
  const extent = await ports.candles.extent(pair);
  const last = extent === null ? null : Math.min(extent.last, lastUsableOpen(ports, pair, asOf));
  const verdict = judgeGate({
    count: extent?.count ?? 0,
    minimum: rules.minimumSamples,
    dataThrough: last === null ? null : closeOf(pair.timeframe, last),
    now: asOf,
    hardMs: rules.hardMinutes * MINUTE,
    recent: last === null ? null : await recentCoverage(ports, pair, last, rules.minimumSamples),
  });
  return verdict.verdict === 'refused' ? verdict.reason : null;
}

/** The slots the forecast would mostly rest on, and how many of them are stored or explained. */
async function recentCoverage(
  ports: ActivityPorts,
  pair: Pair,
  last: EpochMs,
  slots: number,
): Promise<GateInput['recent']> {
  const range: SlotRange = { from: shiftSlots(pair.timeframe, last, 1 - slots), to: last };
  const gaps = await ports.gapLedger.list(pair);
  const decided = gaps.filter((gap) => gap.state !== 'suspect');
  return {
    slots: countSlots(pair.timeframe, range),
    stored: await ports.candles.count(pair, range),
    explained: countRanges(pair.timeframe, intersectRanges(pair.timeframe, [range], decided)),
  };
}

/**
 * A forecast is due for data that has none yet, or none by the champion of now, or none from the last close as it is now:
 * beside a candle that was revised, a forecast from its old close would be half of another world.
 */
async function forecastDue(ports: ActivityPorts, pair: Pair, last: EpochMs, asOf: EpochMs): Promise<boolean> {
  const latest = await ports.forecastLedger.latest(pair, 'champion');
  if (latest?.dataThrough !== closeOf(pair.timeframe, last)) return true;
  const [candle] = await ports.candles.last(pair, 1, last);
  if (candle?.close !== latest.lastClose) return true;
  return latest.modelVersion !== (await championOf(ports, pair.timeframe, asOf)).model_version;
}

async function documentsDue(
  ports: ActivityPorts,
  pair: Pair,
  dataThrough: EpochMs,
  asOf: EpochMs,
): Promise<'export' | 'none'> {
  const rows = await ports.publication.rows();
  const row = rows.find(({ symbol, timeframe }) => symbol === pair.symbol && timeframe === pair.timeframe);
  const current =
    (await ports.dataQuality.changed(pair)) === null &&
    row !== undefined &&
    !isAhead(row.asOf, asOf, ports.clock.now()) &&
    row.dataThrough === dataThrough &&
    (!row.predicts || row.predictionDataThrough === dataThrough) &&
    !(await exportFailed(ports, pair)) &&
    row.exportBlock === null &&
    row.gateReason === null &&
    row.visibility === 'visible' &&
    !row.degraded &&
    (await isWhole(ports, row.history)) &&
    (await isWhole(ports, row.prediction));
  return current ? 'none' : 'export';
}

/** An object that is gone or damaged is written again by an export. */
async function isWhole(ports: ActivityPorts, document: DocumentReference | null): Promise<boolean> {
  return document === null || Buffer.isBuffer(await ports.published.object(document));
}

/** What the last export was to show (another model's forecast, a changed score) is not shown yet, whatever the row says. */
async function exportFailed(ports: ActivityPorts, pair: Pair): Promise<boolean> {
  const stages = await ports.pairState.stages(pair);
  return stages.some(({ stage, failureCount }) => stage === 'export' && failureCount > 0);
}
