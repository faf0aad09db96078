/** Publishes 500 pairs of 720 candles and prints what it took, in milliseconds, as JSON. */
import { exportOf, pairOf } from '../../unit/publish/example';
import { THROUGH, openWorkshop } from './workshop';

async function main(): Promise<void> {
  const shop = await openWorkshop();
  try {
    const inputs = Array.from({ length: 500 }, (_, k) => exportOf(pairOf(`S${k}/USDT`, '1h'), THROUGH, 720));
    const start = performance.now();
    const before = process.cpuUsage();
    await Promise.all(inputs.map(async (input) => shop.publisher.exportPair(input)));
    const exported = performance.now();
    await shop.commit(THROUGH);
    const end = performance.now();
    const { user, system } = process.cpuUsage(before);
    const figures = { documents: exported - start, manifest: end - exported, total: end - start };
    const entries = shop.manifest().entries.length;
    process.stdout.write(JSON.stringify({ entries, ...figures, processor: (user + system) / 1000 }));
  } finally {
    await shop.close();
  }
}

void main();
