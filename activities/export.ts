/** A pair's documents from the stores: history, prediction with its track record, and the row the manifest is made of. */
import { activityInfo } from '@temporalio/activity';
import { visibilityOf } from '../src/domain/activation';
import { closeOf } from '../src/domain/timeframe';
import type { PipelineError } from '../src/domain/errors';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair, SlotRange } from '../src/domain/types';
import type { SymbolState } from '../src/ports/pair-state';
import type { PublishedForecast } from '../src/publish/export-pair';
import { readPastForecasts } from '../src/publish/past';
import { readServedCandles } from '../src/publish/served-candles';
import type { ExportInput, ExportSummary } from './contract';
import { describeFailure } from './failures';
import { operationalFacts } from './operational-facts';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { gateReason } from './gate';
import { stateOf } from './quarantine';
import { scoreChangedTargets, scoreClosedTargets, trackRecord } from './quality';
import { forEachSymbol } from './stage';

export function createExport(ports: ActivityPorts) {
  return (input: ExportInput) =>
    forEachSymbol<ExportSummary>(ports, 'export', input, async (pair) => {
      const symbol = await stateOf(ports, pair.symbol);
      if (symbol?.activation === 'quarantined') return { published: 'hidden', dataThrough: null, bytes: 0 };
      const rules = ports.settings.rules(pair.timeframe);
      const { workflowExecution } = activityInfo();
      const common = {
        pair,
        asOf: input.asOf,
        rules,
        symbolState: symbol?.activation ?? 'registered',
      };
      const ops = await operationalFacts(ports, pair, workflowExecution ?? null);
      const reason = await gateReason(ports, pair, input.asOf);
      const usable = lastUsableOpen(ports, pair, input.asOf);
      const candles = await readServedCandles(ports.candles, pair, rules, usable);
      const lost = candles.length === 0 && !(await beginsAfter(ports, pair, usable));
      if (visibilityOf(symbol?.activation) !== 'visible' || lost) {
        await ports.publisher.hidePair({ ...common, ops: ops({}), gateReason: hiddenReason(symbol) ?? reason });
        return { published: 'hidden', dataThrough: null, bytes: 0 };
      }
      const changed = await ports.dataQuality.changed(pair);
      const scored = await scoreQuietly(ports, pair, changed, input.asOf);
      const prediction = rules.horizon > 0 && reason === null ? await publishable(ports, pair, input.asOf) : null;
      const degraded = input.degraded.includes(pair.symbol);
      const { row, accepted, refusedForecast } = await ports.publisher.exportPair({
        ...common,
        ops,
        candles,
        prediction,
        degraded,
        gateReason: reason,
      });
      if (!accepted)
        ports.log.warn({ pair: pairKey(pair), asOf: input.asOf, standing: row.asOf }, 'a later run stands');
      if (accepted && refusedForecast !== null) await tellRefused(ports, pair, refusedForecast);
      if (accepted && changed !== null && scored) await ports.dataQuality.settleChanges(pair, changed.version);
      return {
        published: reason === null ? (row.prediction === null ? 'history' : 'history_and_prediction') : 'refused',
        dataThrough: row.dataThrough,
        bytes: (row.history?.bytes ?? 0) + (row.prediction?.bytes ?? 0),
      };
    });
}

/** No candle is due yet: the exchange's first is still forming, as the month of a coin listed this month. */
async function beginsAfter(ports: ActivityPorts, pair: Pair, usable: EpochMs): Promise<boolean> {
  const earliest = await ports.pairState.earliest(pair);
  return earliest !== null && earliest.openTime > usable;
}

function hiddenReason(symbol: SymbolState | undefined): string | null {
  return symbol === undefined ? 'nothing is known of this symbol yet' : symbol.reason;
}

/** The champion's newest forecast, when it rests on the newest candle a run of `asOf` may use; an older one stays as published. */
async function publishable(ports: ActivityPorts, pair: Pair, asOf: EpochMs): Promise<PublishedForecast | null> {
  const record = await ports.forecastLedger.latest(pair, 'champion');
  if (record === null) return null;
  const extent = await ports.candles.extent(pair);
  const last = extent === null ? null : Math.min(extent.last, lastUsableOpen(ports, pair, asOf));
  if (last === null || record.dataThrough !== closeOf(pair.timeframe, last)) return null;
  const past = await readPastForecasts(ports.forecastLedger, pair, record.dataThrough);
  return { record, quality: await trackRecord(ports, pair, asOf), past };
}

/** The predict stage took the forecast for good: that it may not be published is its failure, found here. */
async function tellRefused(ports: ActivityPorts, pair: Pair, error: PipelineError): Promise<void> {
  const { code, message } = describeFailure(error);
  const facts = { pair: pairKey(pair), stage: 'predict', code, error: message };
  ports.log.warn(facts, 'the forecast is refused, the last good one stays');
  await ports.pairState.recordFailure(pair, 'predict', ports.clock.now(), code, message);
}

/** A record that can not be scored now is scored by a later cycle, then false; it never holds up the documents. */
async function scoreQuietly(
  ports: ActivityPorts,
  pair: Pair,
  changed: SlotRange | null,
  asOf: EpochMs,
): Promise<boolean> {
  try {
    if (changed !== null) await scoreChangedTargets(ports, pair, changed, asOf);
    await scoreClosedTargets(ports, pair, asOf);
    await ports.pairState.recordSuccess(pair, 'evaluate', ports.clock.now());
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    ports.log.warn({ pair: pairKey(pair), stage: 'evaluate', error: message }, 'forecasts could not be scored');
    await ports.pairState.recordFailure(pair, 'evaluate', ports.clock.now(), 'internal', message).catch(() => {});
    return false;
  }
}
