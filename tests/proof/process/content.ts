/** What is left in the stores of a deployment: everything that must not depend on what happened to its workers. */
import { createHash } from 'node:crypto';
import { boundariesBetween } from '../../../src/domain/boundaries';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { pairKey } from '../../../src/domain/types';
import type { EpochMs } from '../../../src/domain/types';
import { readPublished } from '../../../src/publish/published-reader';
import type { Stores } from '../../../temporal/stores';

export interface Content {
  readonly entries: unknown;
  /** The prediction documents as published, so that a difference between two says what it is. */
  readonly predictions: readonly unknown[];
  /** Stages that failed when they were last tried, with what they said. */
  readonly failing: readonly string[];
  readonly candles: string;
  readonly forecasts: string;
  /** Every boundary accounted for, with its outcome. */
  readonly boundaries: readonly string[];
  readonly generations: readonly number[];
}

/** Of all boundaries that a drive of (from, to] passes: each done. */
export function everyBoundary(timeframes: readonly string[], from: EpochMs, to: EpochMs): string[] {
  return timeframes
    .flatMap((name) =>
      boundariesBetween(parseTimeframe(name), from - 1, to).map((at) => `${name} ${new Date(at).toISOString()} done`),
    )
    .toSorted();
}

/** @throws Error when fewer than `pairs` pairs are published. */
export async function contentOf({ candles, state, folder }: Stores, pairs: number): Promise<Content> {
  const reader = readPublished(folder.published);
  const entries = (await reader.manifest())?.manifest.entries ?? [];
  if (entries.length !== pairs) throw new Error(`${entries.length} of ${pairs} pairs are published`);
  const predictions = await Promise.all(
    entries.map(async ({ key, files }) => {
      if (files.prediction === null) return null;
      const body = await reader.object(files.prediction);
      if (typeof body === 'string') throw new Error(`the prediction of ${key} is ${body}`);
      return JSON.parse(body.toString()) as unknown;
    }),
  );
  const candleHash = createHash('sha256');
  const forecastHash = createHash('sha256');
  const failing: string[] = [];
  const stored = await candles.pairs();
  for (const pair of stored.toSorted((a, b) => (pairKey(a) < pairKey(b) ? -1 : 1))) {
    candleHash.update(JSON.stringify([pair, await candles.read(pair, {})]));
    for (const role of ['champion', 'naive'] as const) {
      forecastHash.update(JSON.stringify(await state.forecastLedger.list(pair, role, 0, Number.MAX_SAFE_INTEGER)));
    }
    for (const { stage, failureCount, lastMessage } of await state.pairState.stages(pair)) {
      if (failureCount > 0) failing.push(`${pairKey(pair)} ${stage}: ${lastMessage}`);
    }
  }
  const boundaries: string[] = [];
  for (const timeframe of new Set(stored.map((pair) => pair.timeframe))) {
    for (const { boundary, outcome } of await state.runLog.boundaries(timeframe, 0, Number.MAX_SAFE_INTEGER)) {
      boundaries.push(`${timeframe} ${new Date(boundary).toISOString()} ${outcome}`);
    }
  }
  const generations = await state.publication.generations(1000);
  return {
    entries,
    predictions,
    failing,
    candles: candleHash.digest('hex'),
    forecasts: forecastHash.digest('hex'),
    boundaries: boundaries.toSorted(),
    generations: generations.map(({ generation }) => generation).toReversed(),
  };
}
