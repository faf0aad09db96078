import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import type { QuantileRow } from '../../../src/domain/quantiles';
import type { PublicationRow } from '../../../src/ports/publication';
import { NOW, World, candlesFrom, pairOf, publicationRow, scheduleView } from './test-wiring';

export const BTC = pairOf('BTC/USDT', '1h');
export const LAST_CLOSE = Date.parse('2024-05-01T14:00:00Z');

/** One pair for which all is well. */
export async function healthyWorld(row: Partial<PublicationRow> = {}): Promise<World> {
  const world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' };
  const first = LAST_CLOSE - 300 * HOUR;
  await world.candles.write(BTC, candlesFrom(BTC, first, 300), NOW);
  await world.pairState.setEarliest(BTC, { openTime: first, provenAt: NOW });
  await world.pairState.setSymbolState({ symbol: BTC.symbol, activation: 'ready', since: first, reason: null });
  for (const stage of ['detect', 'ingest', 'export'] as const) {
    await world.pairState.recordSuccess(BTC, stage, NOW - 29 * MINUTE);
  }
  await world.publication.upsert(publicationRow(BTC, row));
  const reference = { sha256: 'b'.repeat(64), bytes: 1 };
  const manifest = { manifest: reference, opsManifest: reference, generatedAt: NOW - MINUTE, rollbackOf: null };
  await world.publication.commit(async () => manifest);
  world.schedules = [scheduleView()];
  const quantiles = Array.from({ length: 24 }, (): QuantileRow => [94, 96, 98, 100, 102, 104, 106]);
  const issue = {
    issuedAt: LAST_CLOSE + 5000,
    dataThrough: LAST_CLOSE,
    modelVersion: 'abc',
    family: 'range-volatility',
  };
  await world.forecastLedger.append([{ pair: BTC, role: 'champion', ...issue, lastClose: 100, quantiles }]);
  return world;
}
