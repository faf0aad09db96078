/** `replay`: the pipeline over past candles, each boundary at its own time, and the pages as they were at any moment. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { moment } from './arguments';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import { print, progressTo, withFormat, type FormatOptions } from './output';
import { runUntilStopped } from './processes';
import { textFacts, textTable } from './text-table';
import type { CliWiring, ReplayProgress, ReplayReport } from './wiring';
import { countText, isoText, minuteText, plural } from './wording';
import type { EpochMs } from '../domain/types';

interface ReplayCommandOptions extends FormatOptions {
  readonly data: string;
  readonly from: EpochMs;
  readonly to?: EpochMs;
  readonly until?: EpochMs;
  readonly symbols?: string;
  readonly timeframes?: string;
  readonly models?: true;
  readonly paused?: string;
  readonly verify: boolean;
}

const TELL_EVERY_MS = 5_000;

export function addReplay(program: Command, wiring: CliWiring): void {
  withFormat(
    program
      .command('replay')
      .description('run the pipeline over past candles, each boundary at its own time, into DATA_DIR/replay'),
  )
    .requiredOption('--data <folder>', 'where the SYMBOL_QUOTE-TF.csv.gz files are')
    .requiredOption('--from <time>', 'boundaries after this are run', moment)
    .option('--to <time>', 'the last boundary that is run', moment)
    .option('--until <time>', 'stop at this moment and serve pages and documents as they were then', moment)
    .option('--symbols <list>', 'like BTC/USDT,ETH/USDT (default: SYMBOLS)')
    .option('--timeframes <list>', 'like 1h,1d (default: TIMEFRAMES)')
    .option('--models', 'let models live: trainings, shadow, daily report, promotion, drift')
    .option(
      '--paused <schedules>',
      'stay paused, like train-1h,cycle-1h; each cycle runs once at the start all the same',
    )
    .option('--no-verify', 'do not check the published files after each cycle')
    .action(async (options: ReplayCommandOptions) => run(wiring, options));
}

async function run(wiring: CliWiring, options: ReplayCommandOptions): Promise<void> {
  if (!existsSync(options.data))
    throw new CommandEnd(EXIT_CODES.usage, `--data: there is no folder "${options.data}".`);
  const to = endOf(options);
  const report = await wiring.replay({
    dataDir: options.data,
    symbols: options.symbols ?? null,
    timeframes: options.timeframes ?? null,
    from: options.from,
    to,
    models: options.models === true,
    paused: options.paused?.split(',').map((id) => id.trim()) ?? [],
    verify: options.verify,
    progress: progressTo(wiring),
    onProgress: progressPrinter(wiring),
  });
  const result = { text: reportText(report), json: report };
  if (options.until === undefined || wiring.stopping.aborted) print(wiring, options, result);
  else await serve(wiring, options, options.until, result);
  if (report.verified.breaches.length > 0) throw new CommandEnd(EXIT_CODES.data);
  if (!report.complete) throw new CommandEnd(EXIT_CODES.partial, 'stopped; the same command goes on from here.');
  if (report.cycles.failed === report.cycles.total) {
    throw new CommandEnd(
      EXIT_CODES.failure,
      'every cycle failed; "EXCHANGE=replay coin-predict why SYMBOL TIMEFRAME" says where.',
    );
  }
}

async function serve(
  wiring: CliWiring,
  options: ReplayCommandOptions,
  until: EpochMs,
  result: Parameters<typeof print>[2] & { readonly json: object },
): Promise<void> {
  // The replay took long: it is told of even where nothing can be served.
  const running = await wiring.startReplayWeb(until).catch((error: unknown) => {
    print(wiring, options, result);
    throw error;
  });
  await runUntilStopped(wiring, options, Promise.resolve(running), result);
}

function endOf({ from, to, until }: ReplayCommandOptions): EpochMs {
  const end = until ?? to;
  if (end === undefined) throw new CommandEnd(EXIT_CODES.usage, 'replay needs --to or --until: where it ends.');
  if (until !== undefined && to !== undefined)
    throw new CommandEnd(EXIT_CODES.usage, '--to and --until exclude each other: each says where the replay ends.');
  if (end <= from) throw new CommandEnd(EXIT_CODES.usage, `the replay ends (${isoText(end)}) before it begins.`);
  return end;
}

/** A line every five seconds: `2024-12-03 14:00  312 of 756 cycles  1.9 a second  3:55 left`. */
function progressPrinter(wiring: CliWiring): (progress: ReplayProgress) => void {
  let told = Number.NEGATIVE_INFINITY;
  return ({ at, done, total, cyclesASecond, etaMs }) => {
    const now = wiring.clock.monotonic();
    if (now - told < TELL_EVERY_MS && done < total) return;
    told = now;
    const seconds = Math.ceil(etaMs / 1000);
    const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    wiring.output.stderr(
      `${minuteText(at)}  ${done} of ${total} cycles  ${cyclesASecond.toFixed(2)} a second  ${left} left\n`,
    );
  };
}

function reportText(report: ReplayReport): string {
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([word, count]) => `${countText(count)} ${word}`)
      .join(', ');
  const { cycles, planned, verified, not_done: notDone, stands_at: standsAt } = report;
  const { total = 0, ...outcomes } = cycles;
  const run = total === planned ? `${countText(total)} total` : `${countText(total)} of ${countText(planned)}`;
  const facts = textFacts([
    ['replayed', `${report.from} to ${report.to}`],
    ...(standsAt === null ? [] : [['stands at', `${standsAt}: gaps are told as known there`] as const]),
    ['cycles', [run, counts(outcomes)].filter((part) => part !== '').join(', ')],
    ['time', `${(report.seconds / 60).toFixed(1)} min, ${report.cycles_a_second ?? '-'} cycles a second`],
    ...modelFacts(report.models),
    ['boundaries', counts(report.boundaries)],
    ['generations', countText(report.generations)],
    ['statuses', counts(report.statuses)],
    ['verified', verifiedText(verified)],
  ]);
  type Row = ReplayReport['pairs'][number];
  const number = (title: string, pick: (row: Row) => number) => ({
    title,
    align: 'right' as const,
    cell: (row: Row) => countText(pick(row)),
  });
  const pairs = textTable<Row>(
    [
      { title: 'pair', cell: (row) => row.pair },
      number('candles', (row) => row.candles),
      number('holes', (row) => row.holes),
      { title: 'explained as', cell: (row) => explained(row) },
      number('unexplained', (row) => row.unexplained),
      number('revised', (row) => row.revised),
      number('refused', (row) => row.quarantined),
      number('forecasts', (row) => row.forecasts),
      number('steps scored', (row) => row.steps_scored),
    ],
    report.pairs,
  );
  const undone = notDone.map(
    ({ timeframe, boundary, outcome, reason }) => `${timeframe} ${boundary} ${outcome}: ${reason}\n`,
  );
  return [
    facts,
    pairs,
    storyText(report.story),
    undone.join(''),
    verified.breaches.map((breach) => `${breach}\n`).join(''),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function modelFacts({ trainings, reports, seconds }: ReplayReport['models']): [string, string][] {
  if (trainings + reports === 0) return [];
  const runs = `${plural(trainings, 'training')} by schedule, ${plural(reports, 'report')}`;
  return [['models', `${runs}, ${(seconds / 60).toFixed(1)} min`]];
}

/** A line an event; what was the same the next time is one line with how often and until when. */
function storyText(story: ReplayReport['story']): string {
  return story
    .map(({ at, until, times, timeframe, sentence, mean_seconds: seconds, effective_at: effective }) => {
      const took = seconds === null ? '' : ` (${seconds.toFixed(1)} s${times > 1 ? ' each' : ''})`;
      const repeated = times === 1 ? '' : `; ${countText(times)} times until ${minuteText(Date.parse(until))}`;
      const since = effective === null ? '' : `; forecasts from ${minuteText(Date.parse(effective))}`;
      return `${minuteText(Date.parse(at))}  ${timeframe.padEnd(3)} ${sentence}${took}${since}${repeated}\n`;
    })
    .join('');
}

function verifiedText({ cycles, breaches }: ReplayReport['verified']): string {
  if (cycles === 0) return 'not looked at';
  const found = breaches.length === 0 ? 'no broken rule' : plural(breaches.length, 'broken rule');
  return `after ${plural(cycles, 'cycle')}: ${found}`;
}

function explained({ gaps }: ReplayReport['pairs'][number]): string {
  const slots = new Map<string, number>();
  for (const gap of gaps) slots.set(gap.state, (slots.get(gap.state) ?? 0) + gap.slots);
  return [...slots].map(([state, count]) => `${countText(count)} ${state}`).join(', ') || '-';
}
