/**
 * Looks for the shadow in what was published: every number that only a shadow forecast holds, and every version that was
 * not champion by then, in every byte under a published folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { EpochMs } from '../../../src/domain/types';
import type { StateStore } from '../../../src/adapters/sqlite/state-store';
import type { ForecastRecord } from '../../../src/ports/forecast-ledger';

/** What must not be published. */
export interface ShadowFacts {
  readonly forecasts: number;
  /** As JSON writes them; those that champion or naive forecasts hold too are left out. */
  readonly values: ReadonlySet<string>;
  /** Model versions that forecast as shadow. */
  readonly versions: ReadonlySet<string>;
  /** When a version first forecast as champion. */
  readonly championSince: ReadonlyMap<string, EpochMs>;
}

export interface ShadowScan {
  readonly files: number;
  readonly bytes: number;
  readonly numbers: number;
  /** Where something was found, and what. */
  readonly leaks: readonly string[];
}

export async function shadowFacts({ forecastLedger, pairState }: StateStore, timeframes: readonly string[]) {
  const values = new Set<string>();
  const allowed = new Set<string>();
  const versions = new Set<string>();
  const championSince = new Map<string, EpochMs>();
  let forecasts = 0;
  for (const { symbol } of await pairState.symbolStates()) {
    for (const timeframe of timeframes) {
      const pair = { symbol, timeframe: timeframe as ForecastRecord['pair']['timeframe'] };
      const list = (role: ForecastRecord['role']): Promise<ForecastRecord[]> =>
        forecastLedger.list(pair, role, 0, Number.MAX_SAFE_INTEGER);
      for (const { quantiles, modelVersion } of await list('shadow')) {
        forecasts += 1;
        versions.add(modelVersion);
        for (const value of quantiles.flat()) values.add(JSON.stringify(value));
      }
      for (const { quantiles, modelVersion, issuedAt } of await list('champion')) {
        for (const value of quantiles.flat()) allowed.add(JSON.stringify(value));
        championSince.set(modelVersion, Math.min(issuedAt, championSince.get(modelVersion) ?? issuedAt));
      }
      for (const { quantiles } of await list('naive')) {
        for (const value of quantiles.flat()) allowed.add(JSON.stringify(value));
      }
    }
  }
  const facts: ShadowFacts = {
    forecasts,
    values: new Set([...values].filter((value) => !allowed.has(value))),
    versions,
    championSince,
  };
  return facts;
}

/** Every file below the folder, packed ones too. */
export function scanForShadow(folder: string, facts: ShadowFacts): ShadowScan {
  const leaks: string[] = [];
  let [files, bytes, numbers] = [0, 0, 0];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const text = unpacked(path);
    files += 1;
    bytes += Buffer.byteLength(text);
    for (const [value] of text.matchAll(/-?\d+\.?\d*(?:[eE][+-]?\d+)?/g)) {
      numbers += 1;
      if (facts.values.has(value)) leaks.push(`${path}: shadow value ${value}`);
    }
    const at = Date.parse(/"(?:issued_at|generated_at|updated_at)":"([^"]+)"/.exec(text)?.[1] ?? '');
    for (const [version] of text.matchAll(/(?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])/g)) {
      const since = facts.championSince.get(version);
      if (facts.versions.has(version) && !(since !== undefined && since <= at)) {
        leaks.push(`${path}: shadow version ${version}`);
      }
    }
  }
  return { files, bytes, numbers, leaks };
}

function unpacked(path: string): string {
  const bytes = readFileSync(path);
  if (path.endsWith('.gz')) return gunzipSync(bytes).toString('utf8');
  if (path.endsWith('.br')) return brotliDecompressSync(bytes).toString('utf8');
  return bytes.toString('utf8');
}
