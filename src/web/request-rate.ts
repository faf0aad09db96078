/** How often one address may ask (PROOF S17): a bucket an address, refilled evenly, forgotten when full. */

interface Bucket {
  tokens: number;
  at: number;
}

const MINUTE = 60_000;
/** Bounds the memory an attacker with many addresses can take; the oldest bucket goes first. */
const MOST_ADDRESSES = 20_000;

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

export class RequestRate {
  private readonly buckets = new Map<string, Bucket>();

  /**
   * @param perMinute requests that one address may make in a minute, all at once if it likes.
   * @param options `loopbackToo`: the loopback address, where a proxy or the operator sits, is counted as well
   */
  constructor(
    private readonly perMinute: number,
    private readonly options: { readonly loopbackToo: boolean } = { loopbackToo: false },
  ) {}

  /** Takes one request; 0 when allowed, else the whole seconds to wait. `now` in milliseconds, monotonic. */
  take(address: string, now: number): number {
    if (!this.options.loopbackToo && isLoopback(address)) return 0;
    const bucket = this.buckets.get(address) ?? this.newBucket(address, now);
    const refill = ((now - bucket.at) * this.perMinute) / MINUTE;
    bucket.tokens = Math.min(this.perMinute, bucket.tokens + refill);
    bucket.at = now;
    if (bucket.tokens < 1) return Math.max(1, Math.ceil(((1 - bucket.tokens) * MINUTE) / this.perMinute / 1000));
    bucket.tokens -= 1;
    return 0;
  }

  private newBucket(address: string, now: number): Bucket {
    if (this.buckets.size >= MOST_ADDRESSES) {
      const [oldest] = this.buckets.keys();
      if (oldest !== undefined) this.buckets.delete(oldest);
    }
    const bucket: Bucket = { tokens: this.perMinute, at: now };
    this.buckets.set(address, bucket);
    return bucket;
  }
}
