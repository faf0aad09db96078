/**
 * Repeats an answer that a route has given, before any routing, as long as nothing it rests on can have changed: the same
 * manifest is in force and no age limit has been passed. Routes decide; this only remembers, so there is one owner of what
 * is served. Whatever is not plainly a repetition is left to the routes: the first request of an address, any
 * header that asks for a refusal, an encoding that is not ready yet.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EpochMs } from '../domain/types';
import type { Clock } from '../ports/clock';
import { allowedEncoding, matchesTag, type Content, type Encoding } from './content';
import type { PublishedFolder, Snapshot } from './published-folder';
import type { ReaderAddress } from './reader-address';
import type { RequestRate } from './request-rate';

/** An answer that may be given again. Header lists are flat: name, value, name, value. */
export interface RepeatableAnswer {
  /** It holds at every instant from `from` to `until`, both included. */
  readonly from: EpochMs;
  readonly until: EpochMs;
  readonly code: number;
  readonly headers: readonly string[];
  /** The manifest; the hash of a document, of which memory holds only so many; or bytes that hold for these instants only. */
  readonly body: Content | string | Buffer;
}

interface RememberedAnswer extends RepeatableAnswer {
  /** Whole header lists, made on first use. */
  readonly ready: Map<Encoding, string[]>;
}

/** Addresses remembered for one manifest; a hostile reader can spell one in many ways. */
const MOST_ADDRESSES = 4096;
/** Accept-Encoding headers differ little from reader to reader. */
const MOST_CODINGS = 64;

export class HotPath {
  private snapshot: Snapshot | null = null;
  private readonly answers = new Map<string, RememberedAnswer>();
  private readonly codings = new Map<string, Encoding>();
  private closed = false;

  constructor(
    private readonly folder: PublishedFolder,
    private readonly clock: Clock,
    private readonly rate: RequestRate,
    private readonly addressOf: ReaderAddress,
  ) {}

  /** Keeps what a route has just answered to this address while `snapshot` was in force. */
  remember(address: string | undefined, snapshot: Snapshot, answer: RepeatableAnswer): void {
    if (address === undefined) return;
    if (snapshot !== this.snapshot) {
      this.answers.clear();
      this.snapshot = snapshot;
    }
    if (this.answers.size >= MOST_ADDRESSES && !this.answers.has(address)) return;
    this.answers.set(address, { ...answer, ready: new Map() });
  }

  /** From now on everything is left to the routes, which tell readers that the server ends. */
  close(): void {
    this.closed = true;
  }

  /** True when the request has been answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const known = this.closed ? undefined : this.answers.get(request.url ?? '');
    if (known === undefined || this.folder.peek() !== this.snapshot) return false;
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    const now = this.clock.now();
    if (!(known.from <= now && now <= known.until)) return false;
    const asked = readAsked(request.rawHeaders);
    if (asked === null) return false;
    const content = typeof known.body === 'string' ? this.folder.held(known.body) : known.body;
    if (content === undefined) return false;
    const body = Buffer.isBuffer(content)
      ? { bytes: content, headers: known.headers }
      : this.pick(known, content, asked);
    if (body === null || this.rate.take(this.addressOf(request), performance.now()) > 0) return false;
    response.writeHead(body.bytes === null ? 304 : known.code, body.headers as string[]);
    response.end(method === 'HEAD' || body.bytes === null ? undefined : body.bytes);
    return true;
  }

  /** The bytes in the reader's encoding, null bytes when it has them already; null when they are not ready. */
  private pick(
    known: RememberedAnswer,
    content: Content,
    asked: Asked,
  ): { readonly bytes: Buffer | null; readonly headers: readonly string[] } | null {
    if (asked.tags !== undefined && matchesTag(asked.tags, content.etag)) {
      return { bytes: null, headers: unchangedHeaders(known, content) };
    }
    const encoding = content.bestEncoding(this.encodingFor(asked.codings));
    const bytes = content.encoded(encoding);
    if (!Buffer.isBuffer(bytes)) return null;
    return { bytes, headers: wholeHeaders(known, content, encoding, bytes.length) };
  }

  private encodingFor(header: string): Encoding {
    const known = this.codings.get(header);
    if (known !== undefined) return known;
    const encoding = allowedEncoding(header);
    if (this.codings.size < MOST_CODINGS) this.codings.set(header, encoding);
    return encoding;
  }
}

interface Asked {
  readonly codings: string;
  readonly tags: string | undefined;
}

/** The headers that bear on the answer; null when one of them is for the routes to judge. */
function readAsked(headers: readonly string[]): Asked | null {
  let codings: string | undefined;
  let tags: string | undefined;
  for (let k = 0; k < headers.length; k += 2) {
    const name = headers[k] ?? '';
    // By length first: most headers are none of these.
    if (name.length === 15 && name.toLowerCase() === 'accept-encoding') {
      if (codings !== undefined) return null;
      codings = headers[k + 1];
    } else if (name.length === 13 && name.toLowerCase() === 'if-none-match') {
      if (tags !== undefined) return null;
      tags = headers[k + 1];
    } else if (isOfBody(name)) return null;
  }
  return { codings: codings ?? '', tags };
}

function isOfBody(name: string): boolean {
  if (name.length === 14) return name.toLowerCase() === 'content-length';
  return name.length === 17 && name.toLowerCase() === 'transfer-encoding';
}

/** In the order in which the routes send them. */
function unchangedHeaders({ headers }: RememberedAnswer, { etag }: Content): string[] {
  return [...headers, 'etag', etag, 'vary', 'Accept-Encoding'];
}

function wholeHeaders(answer: RememberedAnswer, content: Content, encoding: Encoding, length: number): string[] {
  const known = answer.ready.get(encoding);
  if (known !== undefined) return known;
  const made = [...unchangedHeaders(answer, content), 'content-type', content.type];
  if (encoding !== 'identity') made.push('content-encoding', encoding);
  made.push('content-length', String(length));
  answer.ready.set(encoding, made);
  return made;
}
