/** Bytes of the largest payload anywhere in a workflow history, as JSON (base64 text) or as fetched (bytes). */
export function largestPayload(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  const own = 'data' in value ? sizeOf(value.data) : 0;
  return Math.max(own, ...Object.values(value).map(largestPayload));
}

function sizeOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data, 'base64');
  return data instanceof Uint8Array ? data.length : 0;
}
