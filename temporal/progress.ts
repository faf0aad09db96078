/** What `up` prints while the first data comes in: one live line a pair in a terminal, one line per 5 s without. */
import type { FillView } from '../src/ports/control';
import type { Pair } from '../src/domain/types';
import { pairKey } from '../src/domain/types';

/** How far one pair is. */
export interface PairProgress {
  readonly pair: Pair;
  readonly fill: FillView | null;
  /** The manifest's word for the pair, or null while it has none. */
  readonly status: string | null;
}

const BAR_CELLS = 5;

/** `BTC/USDT 1h  ▓▓▓▓░ 78 %  reached 2025-11-02  ETA 0:41` */
export function progressLine({ pair, fill, status }: PairProgress): string {
  const name = pairKey(pair).padEnd(16);
  if (status !== null) return `${name} ${bar(1)} ${statusWords(status)}`;
  if (fill === null) return `${name} ${bar(0)} waiting`;
  if (fill.status === 'failed')
    return `${name} ${bar(fill.progress ?? 0)} the fill failed: coin-predict why ${pairKey(pair)}`;
  const share = fill.status === 'completed' ? 1 : (fill.progress ?? 0);
  const parts = [
    `${name} ${bar(share)} ${String(Math.floor(share * 100)).padStart(3)} %`,
    ...(fill.reached === null ? [] : [`reached ${new Date(fill.reached).toISOString().slice(0, 10)}`]),
    ...(fill.etaMs === null || fill.status !== 'running' ? [] : [`ETA ${duration(fill.etaMs)}`]),
  ];
  return parts.join('  ');
}

/** One line for all pairs, for logs. */
export function progressSummary(pairs: readonly PairProgress[]): string {
  const done = pairs.filter(({ status }) => status !== null).length;
  const filling = pairs.filter(({ status, fill }) => status === null && fill?.status === 'running');
  const shares = filling.map(({ fill }) => fill?.progress ?? 0);
  const share = shares.length === 0 ? '' : `, ${filling.length} filling (${Math.floor(average(shares) * 100)} %)`;
  const longest = Math.max(0, ...filling.map(({ fill }) => fill?.etaMs ?? 0));
  return `${done} of ${pairs.length} pairs published${share}${longest > 0 ? `, ETA ${duration(longest)}` : ''}`;
}

function statusWords(status: string): string {
  return status === 'fresh' ? 'published' : status.replaceAll('_', ' ');
}

function bar(share: number): string {
  const full = Math.round(share * BAR_CELLS);
  return '▓'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** Draws lines over each other in a terminal. */
export function liveLines(write: (text: string) => void): (lines: readonly string[]) => void {
  let drawn = 0;
  return (lines) => {
    const up = drawn > 0 ? `\u001B[${drawn}A` : '';
    write(up + lines.map((line) => `\u001B[2K${line}\n`).join(''));
    drawn = lines.length;
  };
}
