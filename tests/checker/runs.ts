/** I14 I16: runs of the cycle, and what became of each boundary. */
import { openBefore } from './calendar';
import type { Stored } from './candles';
import { iso, timeframeOf } from './database-file';
import type { DatabaseFile } from './database-file';
import type { Findings } from './findings';
import { NOT_ASKED } from './gaps';
import type { Gaps } from './gaps';

export function checkRuns(findings: Findings, state: DatabaseFile): void {
  const runs = state.all('SELECT * FROM cycle_run WHERE ended_at IS NOT NULL ORDER BY timeframe, started_at, round');
  for (const [k, run] of runs.entries()) {
    const before = runs[k - 1];
    if (before === undefined || before.timeframe !== run.timeframe) continue;
    findings.holds(
      'I14 apart',
      Number(before.ended_at) <= Number(run.started_at) || before.run_id === run.run_id,
      () => `cycle ${String(run.timeframe)} ${iso(Number(run.started_at))}: began before the one before had ended`,
    );
  }
}

/** Since when each ready symbol is so. */
export function readySymbols(state: DatabaseFile): ReadonlyMap<string, number> {
  const rows = state.all(`SELECT symbol, since FROM symbol_state WHERE activation = 'ready'`);
  return new Map(rows.map(({ symbol, since }) => [String(symbol), Number(since)]));
}

export function checkBoundaries(findings: Findings, state: DatabaseFile, stored: Stored, gaps: Gaps): void {
  const ready = readySymbols(state);
  for (const row of state.all(`SELECT * FROM boundary WHERE outcome = 'done'`)) {
    const timeframe = String(row.timeframe);
    const boundary = Number(row.boundary);
    for (const [key, series] of stored) {
      if (timeframeOf(key) !== timeframe || !ready.has(key.split(' ')[0] ?? '')) continue;
      const open = openBefore(timeframe, boundary);
      findings.holds(
        'I16 done',
        series.has(open) || explains(gaps.get(key)?.get(open)),
        () => `${key} ${iso(boundary)}: is called done without its candle`,
      );
    }
  }
}

function explains(word: string | undefined): boolean {
  return word !== undefined && word !== NOT_ASKED;
}
