/** The databases as the checker reads them: SQL of its own, rows as they are, nothing written. */
import Database from 'libsql';

export type Row = Readonly<Record<string, unknown>>;

export interface DatabaseFile {
  all(sql: string): Row[];
  close(): void;
}

export function openDatabaseFile(file: string): DatabaseFile {
  const database = new Database(file, { readonly: true });
  return { all: (sql) => database.prepare(sql).all() as Row[], close: () => database.close() };
}

/** `BTC/USDT 1h` */
export function keyOf(row: Row): string {
  return `${String(row.symbol)} ${String(row.timeframe)}`;
}

export function timeframeOf(key: string): string {
  return key.split(' ')[1] ?? '';
}

export function iso(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString() : String(time);
}

/** Rows of so many doubles. */
export function doubles(blob: unknown, width: number): number[][] {
  const bytes = Uint8Array.from(new Uint8Array(blob as ArrayBuffer));
  const numbers = new Float64Array(bytes.buffer);
  return Array.from({ length: numbers.length / width }, (_, k) => [...numbers.slice(k * width, (k + 1) * width)]);
}
