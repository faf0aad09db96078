import { closeOf } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { EpochMs, Pair, TimeframeId } from '../domain/types';
import type { TimeframeRules } from '../domain/timeframe-rules';
import type { CandleStore } from '../ports/candle-store';
import type { ForecastLedger, ForecastRecord } from '../ports/forecast-ledger';
import type { PublicationRow } from '../ports/publication';
import type { Quality } from './documents';
import { exportPair } from './export-pair';
import type { ExportPorts, PublishedForecast } from './export-pair';
import { readPastForecasts } from './past';
import { readServedCandles } from './served-candles';

export interface RebuildInput {
  readonly candles: CandleStore;
  readonly ledger: ForecastLedger;
  readonly rules: (timeframe: TimeframeId) => TimeframeRules;
  /** The track record of a pair as of the run that issued its forecast. */
  readonly quality: (pair: Pair, asOf: EpochMs) => Promise<Quality>;
  /** Open time of the newest candle that may be published, as for a run of `asOf`. */
  readonly lastOpen: (timeframe: TimeframeId, asOf: EpochMs) => EpochMs;
  readonly progress?: (line: string) => void;
}

/**
 * Makes the documents of every visible pair again. Stored candles give a history with the same hash; the prediction
 * is the champion's latest forecast in the ledger. Rows keep their `asOf`, so that a cycle under way is not refused.
 * Returns how many pairs were made.
 */
export async function rebuildPairs(ports: ExportPorts, input: RebuildInput): Promise<number> {
  const rows = (await ports.publication.rows()).filter((row) => row.visibility === 'visible');
  let made = 0;
  for (const row of rows) {
    try {
      await rebuildPair(ports, input, row);
      made += 1;
      input.progress?.(pairKey(row));
    } catch (error) {
      // One pair's failure never stops another; its row is blocked and says why.
      input.progress?.(`${pairKey(row)} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return made;
}

async function rebuildPair(ports: ExportPorts, input: RebuildInput, row: PublicationRow): Promise<void> {
  const pair: Pair = { symbol: row.symbol, timeframe: row.timeframe };
  const rules = input.rules(pair.timeframe);
  const candles = await readServedCandles(input.candles, pair, rules, input.lastOpen(pair.timeframe, row.asOf));
  const last = candles.at(-1);
  const record = rules.horizon > 0 ? await input.ledger.latest(pair, 'champion') : null;
  const dataThrough = last === undefined ? null : closeOf(pair.timeframe, last.openTime);
  const usable = record !== null && dataThrough !== null && record.dataThrough <= dataThrough ? record : null;
  await exportPair(ports, {
    pair,
    asOf: row.asOf,
    rules,
    candles,
    prediction: usable === null ? null : await withRecord(input, usable),
    degraded: row.predicts && dataThrough !== null && usable?.dataThrough !== dataThrough,
    gateReason: row.gateReason,
    symbolState: row.symbolState,
    ops: () => row.ops,
  });
}

async function withRecord({ quality, ledger }: RebuildInput, record: ForecastRecord): Promise<PublishedForecast> {
  const past = await readPastForecasts(ledger, record.pair, record.dataThrough);
  return { record, quality: await quality(record.pair, record.issuedAt), past };
}
