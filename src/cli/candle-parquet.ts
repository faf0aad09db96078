/** Candles as Parquet: `timestamp` (open time, milliseconds, UTC), open, high, low, close, volume as doubles. */
import type { Candle } from '../domain/types';

const VALUES = ['open', 'high', 'low', 'close', 'volume'] as const;

/** Writes one row group a batch, so that memory does not grow with the history. */
export async function writeParquet(file: string, batches: AsyncIterable<readonly Candle[]>): Promise<void> {
  const { fileWriter, ParquetWriter } = await import('hyparquet-writer');
  const columns = [
    {
      name: 'timestamp',
      type: 'INT64' as const,
      repetition_type: 'REQUIRED' as const,
      logical_type: { type: 'TIMESTAMP' as const, isAdjustedToUTC: true, unit: 'MILLIS' as const },
    },
    ...VALUES.map((name) => ({ name, type: 'DOUBLE' as const, repetition_type: 'REQUIRED' as const })),
  ];
  const schema = [{ name: 'candles', num_children: columns.length }, ...columns];
  const writer = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: 'coin-predict' });
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    await writer.write({
      columnData: [
        { name: 'timestamp', data: batch.map(({ openTime }) => BigInt(openTime)) },
        ...VALUES.map((name) => ({ name, data: batch.map((candle) => candle[name]) })),
      ],
      rowGroupSize: batch.length,
    });
  }
  await writer.finish();
}
