/** `alert`: what was told, whether receivers are reached, and holding alerts back for a while. */
import type { Command } from 'commander';
import { testMessage } from '../domain/alert-messages';
import { EVENT_TABLE, subjectOf } from '../domain/event';
import { DAY } from '../domain/timeframe';
import type { EpochMs } from '../domain/types';
import type { ToldEvent } from '../ports/alert-outbox';
import type { Heartbeat, Notifier } from '../ports/notifier';
import { moment, wholeNumber } from './arguments';
import { CommandEnd, EXIT_CODES, endWith } from './exit-codes';
import { print, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { isoOrNull, isoText, messageOf, minuteText, plural } from './wording';

/** A mute that nobody remembers is worse than the noise: it ends within this. */
const LONGEST_MUTE_MS = 7 * DAY;

export function addAlert(program: Command, wiring: CliWiring): void {
  const noun = program.command('alert').description('what operators were told, tests and mutes');
  withFormat(noun.command('list').description('events and what became of their messages, newest first'))
    .option('--days <n>', 'how far back', wholeNumber(1, 90), 7)
    .option('-n, --limit <n>', 'at most so many', wholeNumber(1, 10_000), 50)
    .action(async (options: FormatOptions & { days: number; limit: number }) => list(wiring, options));
  withFormat(
    noun
      .command('test')
      .description(
        'send a test to every receiver, and the heartbeat; a receiver that was disabled and is reached is used again',
      ),
  ).action(async (options: FormatOptions) => test(wiring, options));
  withFormat(noun.command('mute').description('hold alerts back until a time; they are kept and can be listed'))
    .requiredOption('--until <time>', 'UTC, within a week, like 2024-05-01T12:00', moment)
    .requiredOption('--reason <text>', 'kept with the mute')
    .action(async (options: FormatOptions & { until: EpochMs; reason: string }) => mute(wiring, options));
  withFormat(noun.command('unmute').description('end a mute before its time')).action(async (options: FormatOptions) =>
    unmute(wiring, options),
  );
}

async function list(wiring: CliWiring, options: FormatOptions & { days: number; limit: number }): Promise<void> {
  const { outbox } = await wiring.stores();
  const now = wiring.clock.now();
  const events = await outbox.events(now - options.days * DAY, options.limit);
  const inForce = await outbox.lastMute();
  const mute = inForce !== null && inForce.until > now ? inForce : null;
  const table = textTable<ToldEvent>(
    [
      { title: 'time (UTC)', cell: ({ event }) => minuteText(event.at) },
      { title: 'severity', cell: ({ event }) => event.severity },
      { title: 'event', cell: ({ event }) => event.kind },
      { title: 'about', cell: ({ event }) => subjectOf(event) },
      { title: 'message', cell: ({ delivery }) => delivery },
      { title: 'detail', cell: ({ event }) => event.detail.replaceAll(/\s+/g, ' ').slice(0, 100) },
    ],
    events,
  );
  const muted = mute === null ? '' : `muted until ${minuteText(mute.until)} UTC: ${mute.reason}\n`;
  const text = `${events.length === 0 ? '' : table}${muted}${plural(events.length, 'event')} in ${plural(options.days, 'day')}\n`;
  const json = {
    muted_until: isoOrNull(mute?.until),
    events: events.map(({ event, messageKey, delivery }) => ({
      ...event,
      at: isoText(event.at),
      since: isoText(event.since),
      message: messageKey,
      delivery,
      runbook: EVENT_TABLE[event.kind].runbook,
    })),
  };
  print(wiring, options, { text, json });
}

interface TestResult {
  readonly receiver: string;
  readonly result: string;
}

async function test(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const notifiers = await wiring.notifiers();
  const heartbeat = await wiring.heartbeat();
  if (notifiers.length === 0 && heartbeat === null) {
    throw new CommandEnd(
      EXIT_CODES.configuration,
      'no receiver is configured: set ALERT_DISCORD_URL, ALERT_SLACK_URL or ALERT_WEBHOOK_URL; until then alerts are only logged',
    );
  }
  const results: TestResult[] = [];
  for (const notifier of notifiers) results.push(await testOne(wiring, notifier));
  if (heartbeat !== null) results.push(await testHeartbeat(heartbeat));
  const columns = [
    { title: 'receiver', cell: (row: TestResult) => row.receiver },
    { title: 'result', cell: (row: TestResult) => row.result },
  ];
  print(wiring, options, { text: textTable(columns, results), json: results });
  if (results.some(({ result }) => result !== 'delivered')) endWith(EXIT_CODES.unreachable);
}

async function testOne(wiring: CliWiring, notifier: Notifier): Promise<TestResult> {
  const { outbox } = await wiring.stores();
  const now = wiring.clock.now();
  const receiver = notifier.name;
  try {
    const answer = await notifier.send(testMessage(now));
    const result = answer === 'delivered' ? answer : 'gone (410): make a new webhook';
    await outbox.recordReceiver(receiver, answer === 'delivered' ? 'success' : 'gone', now, null);
    return { receiver, result };
  } catch (error) {
    await outbox.recordReceiver(receiver, 'failure', now, messageOf(error));
    return { receiver, result: messageOf(error) };
  }
}

async function testHeartbeat(heartbeat: Heartbeat): Promise<TestResult> {
  const receiver = 'heartbeat';
  return heartbeat.ping().then(
    () => ({ receiver, result: 'delivered' }),
    (error: unknown) => ({ receiver, result: messageOf(error) }),
  );
}

async function mute(wiring: CliWiring, options: FormatOptions & { until: EpochMs; reason: string }): Promise<void> {
  const now = wiring.clock.now();
  const { until, reason } = options;
  if (until <= now || until > now + LONGEST_MUTE_MS) {
    throw new CommandEnd(EXIT_CODES.usage, `--until ${isoText(until)} must lie in the next seven days`);
  }
  await (await wiring.stores()).outbox.mute({ at: now, until, reason });
  const text = `alerts are held back until ${minuteText(until)} UTC; the heartbeat goes on\n`;
  print(wiring, options, { text, json: { muted_until: isoText(until), reason } });
}

async function unmute(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const now = wiring.clock.now();
  const { outbox } = await wiring.stores();
  const current = await outbox.lastMute();
  if (current === null || current.until <= now) {
    throw new CommandEnd(EXIT_CODES.refused, 'nothing is muted');
  }
  await outbox.mute({ at: now, until: now, reason: `ended by hand; was: ${current.reason}` });
  print(wiring, options, { text: 'alerts are sent again\n', json: { muted_until: null } });
}
