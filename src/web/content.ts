/** Bytes ready to be sent: named by their hash, packed once (documents by the publisher), never per request. */
import { createHash } from 'node:crypto';
import { isWorthPacking, pack } from '../adapters/files/packed-form';
import type { Packing } from '../adapters/files/packed-form';

export type Encoding = 'identity' | Packing;

/** One body with its packed forms, each taken from disk or else made on first demand, and kept. */
export class Content {
  readonly sha256: string;
  /** Strong entity tag: the hash of the uncompressed bytes, so that a reader can check what it got (I22). */
  readonly etag: string;
  private readonly compressed = new Map<Encoding, Buffer | Promise<Buffer>>();

  constructor(
    readonly bytes: Buffer,
    readonly type: string,
    sha256 = createHash('sha256').update(bytes).digest('hex'),
    /** The form that was made when the body was published, or null. */
    private readonly published: (packing: Packing) => Promise<Buffer | null> = async () => null,
  ) {
    this.sha256 = sha256;
    this.etag = `"${sha256}"`;
  }

  /** The body in this encoding; a Buffer at once when it has been made before. */
  encoded(encoding: Encoding): Buffer | Promise<Buffer> {
    if (encoding === 'identity') return this.bytes;
    const known = this.compressed.get(encoding);
    if (known !== undefined) return known;
    const made = this.packed(encoding).then(
      (body) => {
        this.compressed.set(encoding, body);
        return body;
      },
      (error: unknown) => {
        this.compressed.delete(encoding);
        throw error;
      },
    );
    this.compressed.set(encoding, made);
    return made;
  }

  /** The encoding to use for this content when the reader allows `allowed`. */
  bestEncoding(allowed: Encoding): Encoding {
    return isWorthPacking(this.bytes.length) ? allowed : 'identity';
  }

  private async packed(packing: Packing): Promise<Buffer> {
    return (await this.published(packing)) ?? pack(this.bytes, packing);
  }
}

/** Whether an Accept-Encoding header names the coding and does not forbid it with `q=0`. */
function accepts(header: string, coding: string): boolean {
  for (const part of header.split(',')) {
    const [name, ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    if (name === coding) return !parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter));
  }
  return false;
}

/** Brotli before gzip before none, of what the reader's Accept-Encoding allows. */
export function allowedEncoding(header: string | undefined): Encoding {
  if (header === undefined || header === '') return 'identity';
  if (accepts(header, 'br')) return 'br';
  return accepts(header, 'gzip') ? 'gzip' : 'identity';
}

/** Whether an If-None-Match header names this tag (weak comparison, as RFC 9110 13.1.2 asks). */
export function matchesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
