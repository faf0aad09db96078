/** I14 I16: runs of the cycle, and what became of each boundary. */
import { openBefore } from './calendar';
import { endedRuns, withLost } from './candles';
import type { Stored } from './candles';
import { iso, timeframeOf } from './database-file';
import type { DatabaseFile } from './database-file';
import type { Findings } from './findings';
import { NOT_ASKED } from './gaps';
import type { Gaps } from './gaps';
import type { Truth } from './market-truth';

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

export function checkBoundaries(
  findings: Findings,
  state: DatabaseFile,
  { stored, gaps, truth }: { readonly stored: Stored; readonly gaps: Gaps; readonly truth: Truth },
): void {
  const ready = readySymbols(state);
  const all = withLost(stored, endedRuns(state).keys());
  for (const row of state.all(`SELECT * FROM boundary WHERE outcome = 'done'`)) {
    const timeframe = String(row.timeframe);
    const boundary = Number(row.boundary);
    const open = openBefore(timeframe, boundary);
    for (const [key, series] of all) {
      const [symbol = ''] = key.split(' ');
      const since = ready.get(symbol);
      if (timeframeOf(key) !== timeframe || since === undefined) continue;
      if (series.size === 0 && (boundary < since || !hadBegun(truth(symbol, timeframe), open))) continue;
      findings.holds(
        'I16 done',
        series.has(open) || explains(gaps.get(key)?.get(open)),
        () => `${key} ${iso(boundary)}: is called done without its candle`,
      );
    }
  }
}

/** Whether the market had a candle by then: of a coin that was listed later none is due. */
function hadBegun(market: ReturnType<Truth>, open: number): boolean {
  const [first = Infinity] = market.keys();
  return first <= open;
}

function explains(word: string | undefined): boolean {
  return word !== undefined && word !== NOT_ASKED;
}
