/** Writes page after page until it is killed, and says what it tries and what was acknowledged. */
import { writeSync } from 'node:fs';
import { openCandleStore } from '../../../src/adapters/sqlite/candle-store';
import { BTC_1H, candles } from '../store-fixtures';

const PAGE = 50;

async function main(path: string, start: number): Promise<void> {
  const store = await openCandleStore(path);
  for (let from = start; ; from += PAGE) {
    writeSync(1, `attempt ${from} ${from + PAGE - 1}\n`);
    await store.write(BTC_1H, candles(from, from + PAGE - 1), 1000);
    writeSync(1, `ack ${from} ${from + PAGE - 1}\n`);
  }
}

void main(process.argv[2] ?? '', Number(process.argv[3]));
