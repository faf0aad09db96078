/** `cycle run`: bring the pairs of a timeframe up to the last closed candle now. */
import type { Command } from 'commander';
import type { CycleReport } from '../ports/control';
import { configuredTimeframe } from './arguments';
import { EXIT_CODES, endWith, type ExitCode } from './exit-codes';
import { print, progressTo, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { isoText, plural } from './wording';

const EXIT_OF: Readonly<Record<CycleReport['outcome'], ExitCode>> = {
  published: EXIT_CODES.ok,
  idle: EXIT_CODES.ok,
  partial: EXIT_CODES.partial,
  failed: EXIT_CODES.failure,
};

export function addCycle(program: Command, wiring: CliWiring): void {
  const noun = program.command('cycle').description('fetch, check, forecast and publish one timeframe');
  withFormat(noun.command('run').description('run a cycle now and wait for it; joins one that is running'))
    .argument('<timeframe>', 'like 1h')
    .option('--no-wait', 'return once it has started')
    .action(async (timeframe: string, options: FormatOptions & { wait: boolean }) => run(wiring, timeframe, options));
}

async function run(wiring: CliWiring, name: string, options: FormatOptions & { wait: boolean }): Promise<void> {
  const timeframe = configuredTimeframe(wiring.config(), name);
  const control = await wiring.control();
  const start = await control.runCycle(timeframe);
  const what = start.kind === 'started' ? 'started' : 'already running, joined';
  const told = `${what}: workflow ${start.workflowId}, run ${start.runId}`;
  if (!options.wait) {
    const json = { kind: start.kind, workflow_id: start.workflowId, run_id: start.runId };
    print(wiring, options, { text: `${told}\n`, json });
    return;
  }
  progressTo(wiring)(told);
  const report = await control.cycleResult(start);
  print(wiring, options, { text: reportText(report), json: reportJson(report) });
  endWith(EXIT_OF[report.outcome]);
}

function reportText(report: CycleReport): string {
  const table = textTable<CycleReport['pairs'][number]>(
    [
      { title: 'symbol', cell: (row) => row.symbol },
      { title: 'outcome', cell: (row) => row.outcome },
      { title: 'detail', cell: (row) => row.detail },
    ],
    report.pairs,
  );
  const generation = report.generation === null ? 'no manifest' : `manifest generation ${report.generation}`;
  const head = `cycle ${report.timeframe} ${report.outcome}: ${plural(report.newCandles, 'new candle')}, ${generation}`;
  return `${head}, as of ${isoText(report.asOf)}\n${report.pairs.length === 0 ? '' : table}`;
}

function reportJson(report: CycleReport): unknown {
  return {
    timeframe: report.timeframe,
    workflow_id: report.workflowId,
    run_id: report.runId,
    as_of: isoText(report.asOf),
    rounds: report.rounds,
    outcome: report.outcome,
    generation: report.generation,
    new_candles: report.newCandles,
    pairs: report.pairs,
  };
}
