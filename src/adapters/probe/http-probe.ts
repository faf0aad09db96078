/** Asks the public server for documents and status, as a reader would. */
import { createHash } from 'node:crypto';
import { symbolFileName } from '../../domain/types';
import type { MarketSymbol } from '../../domain/types';
import { MINUTE } from '../../domain/timeframe';
import type { EpochMs } from '../../domain/types';
import type { Probe, ProbeResult } from '../../ports/probe';

export interface HttpProbeOptions {
  /** Base URL without a slash at its end; null while none is known. */
  readonly url: () => Promise<string | null>;
  readonly timeoutMs?: number;
  /** Time of a whole round: what has not been answered by then is bad. */
  readonly roundMs?: number;
}

/** What a probe reads of a manifest entry. */
interface ProbedEntry {
  readonly symbol: MarketSymbol;
  readonly timeframe: string;
  readonly status: string;
  readonly files: Readonly<Record<string, { readonly name: string; readonly sha256: string } | null>>;
}

const TIMEOUT_MS = 5_000;
/** Well within the 30 s that the monitor gives to this step. */
const ROUND_MS = 20_000;
/** Pairs asked about in one round; more are taken in turn. */
const PAIRS_A_ROUND = 50;
const AT_ONCE = 8;

export function createHttpProbe({ url, timeoutMs = TIMEOUT_MS, roundMs = ROUND_MS }: HttpProbeOptions): Probe {
  return {
    run: async (asOf, expected) => {
      const base = await url();
      if (base === null) return null;
      const server = { base, timeoutMs, round: AbortSignal.timeout(roundMs) };
      return (await probeServer(server, asOf)) ?? { probes: expected, good: 0, fault: 'the manifest can not be read' };
    },
  };
}

interface Server {
  readonly base: string;
  readonly timeoutMs: number;
  /** Ends the round. */
  readonly round: AbortSignal;
}

/** Null when well, else what was wrong. */
type Check = () => Promise<string | null>;

/** Null when the server does not say what it serves. */
async function probeServer(server: Server, asOf: EpochMs): Promise<ProbeResult | null> {
  const entries = await readEntries(server);
  if (entries === null) return null;
  // A pair with too few candles was promised to nobody.
  const promised = entries.filter(({ status }) => status !== 'insufficient_data');
  const checks = inTurn(promised, asOf).flatMap((entry) => checksOf(server, entry));
  const faults = (await runChecks(checks)).filter((fault) => fault !== null);
  return { probes: 1 + checks.length, good: 1 + checks.length - faults.length, fault: faults[0] ?? null };
}

function inTurn(entries: readonly ProbedEntry[], asOf: EpochMs): ProbedEntry[] {
  if (entries.length <= PAIRS_A_ROUND) return [...entries];
  const start = (Math.floor(asOf / MINUTE) * PAIRS_A_ROUND) % entries.length;
  return [...entries.slice(start), ...entries.slice(0, start)].slice(0, PAIRS_A_ROUND);
}

function checksOf(server: Server, { symbol, timeframe, files }: ProbedEntry): Check[] {
  const path = `/status/${symbolFileName(symbol)}?timeframe=${timeframe}`;
  const status: Check = async () => {
    const code = (await ask(server, path))?.status ?? 0;
    return code === 200 ? null : `${symbol} ${timeframe}: /status answers ${code || 'nothing'}`;
  };
  const documents = Object.values(files).filter((file) => file !== null);
  return [
    status,
    ...documents.map(
      ({ name, sha256 }): Check =>
        () =>
          checkDocument(server, name, sha256),
    ),
  ];
}

async function checkDocument(server: Server, name: string, sha256: string): Promise<string | null> {
  const response = await ask(server, `/static/${name}`);
  if (response?.status !== 200) return `${name}: answers ${response?.status ?? 'nothing'}`;
  const hash = createHash('sha256').update(response.body).digest('hex');
  if (hash === sha256) return null;
  // A newer manifest may have come in between: then it names what came.
  const named = (await readEntries(server))?.flatMap(({ files }) => Object.values(files)) ?? [];
  return named.some((file) => file?.sha256 === hash) ? null : `${name}: its bytes are not what the manifest names`;
}

async function runChecks(checks: readonly Check[]): Promise<(string | null)[]> {
  const results: (string | null)[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < checks.length; index = next++) results[index] = (await checks[index]?.()) ?? null;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

async function readEntries(server: Server): Promise<ProbedEntry[] | null> {
  const response = await ask(server, '/static/manifest.json');
  if (response?.status !== 200) return null;
  try {
    const { entries } = JSON.parse(response.body.toString('utf8')) as { readonly entries?: unknown };
    return Array.isArray(entries) ? (entries as ProbedEntry[]) : null;
  } catch {
    return null;
  }
}

async function ask(
  { base, timeoutMs, round }: Server,
  path: string,
): Promise<{ readonly status: number; readonly body: Buffer } | null> {
  try {
    const signal = AbortSignal.any([round, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(`${base}${path}`, { signal, redirect: 'manual' });
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  } catch {
    return null;
  }
}
