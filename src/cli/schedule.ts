/** `schedule`: when cycles start, and the switch that freezes them. */
import type { Command } from 'commander';
import { didYouMean } from '../config/suggestion';
import { PipelineError } from '../domain/errors';
import { cycleScheduleId } from '../domain/names';
import { nextBoundary } from '../domain/timeframe';
import type { EpochMs, TimeframeId } from '../domain/types';
import type { Control, ScheduleChange, ScheduleView } from '../ports/control';
import { configuredTimeframe, wholeNumber } from './arguments';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import { print, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { agoText, isoOrNull, isoText, minuteText } from './wording';

export function addSchedule(program: Command, wiring: CliWiring): void {
  const noun = program.command('schedule').description('when cycles start; pause freezes, resume goes on');
  withFormat(noun.command('list').description('all schedules, with their next start')).action(
    async (options: FormatOptions) => list(wiring, options),
  );
  withFormat(
    noun.command('apply').description('make the schedules match the configuration; what is paused stays'),
  ).action(async (options: FormatOptions) => apply(wiring, options));
  addChange(noun, wiring, 'pause', 'stop starting it: published files age honestly', async (control, id, reason) =>
    control.pause(id, reason),
  );
  addChange(noun, wiring, 'resume', 'start it again at its times', async (control, id, reason) =>
    control.resume(id, reason),
  );
  addChange(noun, wiring, 'trigger', 'start it once now, unless it is running', async (control, id) =>
    control.trigger(id),
  );
  withFormat(noun.command('preview').description('the next boundaries and starts, by calendar; asks nobody'))
    .argument('[timeframe]', 'one timeframe, else all configured')
    .option('-n, --count <number>', 'boundaries of each', wholeNumber(1, 1000), 5)
    .action((timeframe: string | undefined, options: FormatOptions & { count: number }) =>
      preview(wiring, timeframe, options),
    );
}

const DONE = { pause: 'paused', resume: 'resumed', trigger: 'triggered' } as const;

function addChange(
  noun: Command,
  wiring: CliWiring,
  verb: keyof typeof DONE,
  description: string,
  change: (control: Control, id: string, reason: string) => Promise<void>,
): void {
  const command = withFormat(noun.command(verb).description(description)).argument('<id>', 'like cycle-1h');
  if (verb !== 'trigger') command.option('--reason <text>', 'kept with the schedule', 'by hand');
  command.action(async (id: string, options: FormatOptions & { reason?: string }) => {
    const control = await wiring.control();
    try {
      await change(control, id, options.reason ?? 'by hand');
    } catch (error) {
      throw error instanceof PipelineError && error.code === 'invalid_input'
        ? await unknownSchedule(control, id)
        : error;
    }
    print(wiring, options, { text: `${id}: ${DONE[verb]}\n`, json: { id, change: DONE[verb] } });
  });
}

async function unknownSchedule(control: Control, id: string): Promise<CommandEnd> {
  const ids = (await control.schedules()).map((schedule) => schedule.id);
  const known = ids.length === 0 ? 'there is none yet; run "schedule apply"' : `there are ${ids.join(', ')}`;
  return new CommandEnd(EXIT_CODES.usage, `no schedule is called "${id}": ${known}.${didYouMean(id, ids)}`);
}

async function list(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const schedules = await (await wiring.control()).schedules();
  const now = wiring.clock.now();
  const text = textTable<ScheduleView>(
    [
      { title: 'schedule', cell: (row) => row.id },
      { title: 'state', cell: (row) => (row.paused ? 'paused' : 'active') },
      { title: 'last start', cell: (row) => minuteText(row.lastRuns[0] ?? null) },
      { title: 'next start', cell: (row) => nextStart(row, now) },
      { title: 'running', cell: (row) => String(row.running.length), align: 'right' },
      { title: 'missed', cell: (row) => String(row.missed), align: 'right' },
      { title: 'skipped', cell: (row) => String(row.skipped), align: 'right' },
      { title: 'note', cell: (row) => row.note },
    ],
    schedules,
  );
  const json = schedules.map((row) => ({
    id: row.id,
    paused: row.paused,
    note: row.note,
    next_starts: row.nextRuns.map(isoText),
    last_starts: row.lastRuns.map(isoText),
    running: row.running,
    missed: row.missed,
    skipped: row.skipped,
  }));
  print(wiring, options, { text, json: { schedules: json } });
}

function nextStart(row: ScheduleView, now: EpochMs): string {
  const next = row.nextRuns[0];
  return row.paused || next === undefined ? '-' : `${minuteText(next)} (${agoText(next, now)})`;
}

async function apply(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const changes = await (await wiring.control()).applySchedules();
  const text = textTable<ScheduleChange>(
    [
      { title: 'schedule', cell: (row) => row.id },
      { title: 'change', cell: (row) => row.change },
    ],
    changes,
  );
  print(wiring, options, { text, json: { changes } });
}

interface PreviewRow {
  readonly timeframe: TimeframeId;
  readonly schedule: string;
  readonly boundary: EpochMs;
  readonly start: EpochMs;
}

function preview(wiring: CliWiring, only: string | undefined, options: FormatOptions & { count: number }): void {
  const config = wiring.config();
  const now = wiring.clock.now();
  const timeframes = only === undefined ? config.timeframes : [configuredTimeframe(config, only)];
  const rows: PreviewRow[] = timeframes.flatMap((timeframe) => {
    // The boundary just passed counts while its start is still to come.
    let boundary = nextBoundary(timeframe, now - config.scheduleOffsetMs);
    return Array.from({ length: options.count }, () => {
      const row = {
        timeframe,
        schedule: cycleScheduleId(timeframe),
        boundary,
        start: boundary + config.scheduleOffsetMs,
      };
      boundary = nextBoundary(timeframe, boundary);
      return row;
    });
  });
  const text = textTable<PreviewRow>(
    [
      { title: 'schedule', cell: (row) => row.schedule },
      { title: 'boundary (UTC)', cell: (row) => minuteText(row.boundary) },
      { title: 'cycle starts (UTC)', cell: (row) => isoText(row.start) },
      { title: '', cell: (row) => agoText(row.start, now) },
    ],
    rows,
  );
  const json = rows.map((row) => ({
    timeframe: row.timeframe,
    schedule: row.schedule,
    boundary: isoOrNull(row.boundary),
    start: isoText(row.start),
  }));
  print(wiring, options, { text, json: { starts: json } });
}
