export interface InfluxOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
  /** Milliseconds until the whole answer must be there. Default 30,000. */
  readonly timeoutMs?: number;
}
