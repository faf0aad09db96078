/** Bodies packed once, after they are published, and kept beside the plain file: `{name}.br` and `{name}.gz`, as nginx and Caddy look for them. */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, gunzip, gzip } from 'node:zlib';

/** In the order in which a reader that takes both is given them; the words of HTTP's Content-Encoding. */
export const PACKINGS = ['br', 'gzip'] as const;
export type Packing = (typeof PACKINGS)[number];

/** What is added to the name of the plain file. */
export const PACKED_SUFFIX: Readonly<Record<Packing, string>> = { br: '.br', gzip: '.gz' };

/** Below this many bytes packing saves less than its header costs. */
const WORTH_PACKING = 600;
/** Middle levels: the highest save a tenth of the bytes and take ten times as long. */
const BROTLI_QUALITY = 4;
const GZIP_LEVEL = 4;

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);
const expandGzip = promisify(gunzip);
const expandBrotli = promisify(brotliDecompress);

export function isWorthPacking(bytes: number): boolean {
  return bytes >= WORTH_PACKING;
}

export async function pack(body: Buffer, packing: Packing): Promise<Buffer> {
  if (packing === 'gzip') return compressGzip(body, { level: GZIP_LEVEL });
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  };
  return compressBrotli(body, { params });
}

/** Whether the packed bytes are exactly `body`; nothing longer than it is ever unpacked (S29). */
export async function unpacksTo(packed: Buffer, packing: Packing, body: Buffer): Promise<boolean> {
  const limit = { maxOutputLength: Math.max(1, body.length) };
  try {
    return (await (packing === 'gzip' ? expandGzip(packed, limit) : expandBrotli(packed, limit))).equals(body);
  } catch {
    return false;
  }
}
