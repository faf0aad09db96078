/** Rows of doubles as one blob: exact, and less than half the size of their text. */

/** Each row must hold `width` numbers. The bytes are in the machine's order, little-endian wherever Node.js runs today. */
export function packRows(rows: readonly (readonly number[])[], width: number): Buffer {
  const numbers = new Float64Array(rows.length * width);
  rows.forEach((row, index) => numbers.set(row.slice(0, width), index * width));
  return Buffer.from(numbers.buffer);
}

export function unpackRows(blob: Uint8Array | ArrayBuffer, width: number): number[][] {
  const bytes = Uint8Array.from(new Uint8Array(blob));
  const numbers = new Float64Array(bytes.buffer);
  return Array.from({ length: numbers.length / width }, (_, index) => [
    ...numbers.subarray(index * width, (index + 1) * width),
  ]);
}
