/** Writes page after page into InfluxDB, through failures, until it is killed; says what it tries and what was acknowledged. */
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { InfluxCandleStore } from '../../../src/adapters/influx/candle-store';
import { InfluxConnection } from '../../../src/adapters/influx/connection';
import type { InfluxOptions } from '../../../src/adapters/influx/influx-options';
import { openWriteOrder } from '../../../src/adapters/sqlite/write-order';
import { systemClock } from '../../../src/ports/clock';
import { BTC_1H, candles } from '../store-fixtures';

const PAGE = 50;

async function main(options: InfluxOptions, path: string, start: number): Promise<void> {
  const order = await openWriteOrder(path, systemClock);
  const connection = new InfluxConnection(options);
  const store = new InfluxCandleStore({ connection, bucketId: '', source: 'binance', order });
  for (let from = start; ;) {
    writeSync(1, `attempt ${from} ${from + PAGE - 1}\n`);
    try {
      await store.write(BTC_1H, candles(from, from + PAGE - 1), 1000);
      writeSync(1, `ack ${from} ${from + PAGE - 1}\n`);
      from += PAGE;
    } catch (error) {
      writeSync(1, `failed ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}\n`);
      await pause(50);
    }
  }
}

void main(JSON.parse(process.argv[2] ?? '') as InfluxOptions, process.argv[3] ?? '', Number(process.argv[4]));
