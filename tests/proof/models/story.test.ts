/**
 * The life of models over months of real candles, as the report of a replay tells it: trained, shadowed, judged, promoted
 * or refused by the system itself; a broken regime and a bad champion found; rolled back by one command. Short form: a night
 * in which a bad first champion is replaced and an operator takes that back. Full form (`npm run proof:models`): 1h over
 * 90 days (`PROOF_DAYS`, at least 60) and 1d over a year.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReplayReport, StoryLine } from '../../../src/cli/wiring';
import { testOnCandles } from '../../candles';
import { check } from '../../checker/check';
import { truthOfFiles } from '../../checker/market-truth';
import { FULL_PROOF, writeTable } from '../outcome-table';
import { Replayed } from '../replay/replayed';
import { breakRegime, writeStoryCandles } from './story-candles';
import { scanForShadow, shadowFacts } from './shadow-scan';
import type { ShadowScan } from './shadow-scan';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MINUTES = 60_000;
const TIMEOUT = (FULL_PROOF ? 240 : 5) * MINUTES;
/** Beaten by everything: what the system must find out by itself. */
const BAD_START = { CHAMPION: 'seasonal-naive' };
const FACTOR = 4;

const iso = (at: number): string => new Date(at).toISOString();
const on = (day: string, hours = 0): number => Date.parse(`${day}T00:00:00Z`) + hours * HOUR;

const replays: Replayed[] = [];
const folders: string[] = [];
afterAll(async () => {
  for (const replayed of replays) await replayed.remove();
  for (const folder of folders) rmSync(dirname(folder), { recursive: true, force: true });
}, MINUTES);

interface Plan {
  readonly timeframes: readonly string[];
  readonly symbols: readonly string[];
  readonly from: number;
  /** Candles from here on are in the files. */
  readonly known: number;
  readonly breakAt: number;
  readonly options?: readonly string[];
}

/** A replay that is run piece by piece, with what an operator does in between. */
class Story {
  readonly replayed: Replayed;
  readonly from: number;

  constructor(source: string, plan: Plan) {
    const { timeframes, symbols, from, known, breakAt, options = [] } = plan;
    const data = writeStoryCandles({ source, symbols, timeframes, from: known, breakAt, factor: FACTOR });
    folders.push(data);
    this.from = from;
    this.replayed = new Replayed({
      data,
      symbols,
      timeframes,
      from: iso(from).slice(0, 16),
      to: iso(from + HOUR).slice(0, 16),
      options: ['--models', '--no-verify', ...options],
      environment: BAD_START,
    });
    replays.push(this.replayed);
  }

  async runTo(to: number): Promise<ReplayReport> {
    return this.replayed.report(this.replayed.arguments({ to: iso(to).slice(0, 16) }));
  }

  /** Ends it without warning while the training after `slots` slots is under way. */
  async killInTraining(slots: number): Promise<void> {
    const { ended, process: running } = this.replayed.start(
      this.replayed.arguments({ to: iso(this.from + 9 * DAY).slice(0, 16) }),
    );
    while (running.exitCode === null && this.replayed.cyclesRun() < slots) await delay(20);
    await delay(500);
    running.kill('SIGKILL');
    expect((await ended).code).toBe('SIGKILL');
  }

  /** A command as an operator types it, and its JSON. */
  async command(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.replayed.run([...args, '-o', 'json']);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr.slice(-2000)}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async champion(timeframe: string): Promise<string> {
    const { champion } = await this.command('model', 'show', timeframe);
    return (champion as { version: string }).version;
  }

  async scan(timeframes: readonly string[]): Promise<ShadowScan & { readonly forecasts: number }> {
    const facts = await this.replayed.withStores(({ state }) => shadowFacts(state, timeframes));
    const folder = join(this.replayed.root, 'public');
    const scan = scanForShadow(folder, facts);
    // The scan must be able to fail: one value and one version, planted beside the real documents.
    const [value = ''] = facts.values;
    const version = [...facts.versions].find((one) => !facts.championSince.has(one)) ?? '';
    const planted = join(this.replayed.root, 'planted');
    mkdirSync(planted);
    writeFileSync(join(planted, 'value.json'), `{"price":${value},"updated_at":"2024-01-01T00:00:00Z"}`);
    expect(scanForShadow(planted, facts).leaks).toEqual([`${join(planted, 'value.json')}: shadow value ${value}`]);
    if (version !== '') {
      writeFileSync(join(planted, 'value.json'), `{"version":"${version}","updated_at":"2024-01-01T00:00:00Z"}`);
      expect(scanForShadow(planted, facts).leaks).toEqual([
        `${join(planted, 'value.json')}: shadow version ${version}`,
      ]);
    }
    return { ...scan, forecasts: facts.forecasts };
  }
}

/** What is left, by the checker: who forecast was champion then (I31), through every change of the story. */
function expectSound({ replayed }: Story): void {
  const report = check({ folder: replayed.root, truth: truthOfFiles(replayed.script.data) });
  expect(report.breaches).toEqual([]);
  expect(report.tried['I31 registry']).toBeGreaterThan(0);
}

const of = (story: readonly StoryLine[], event: StoryLine['event']): StoryLine[] =>
  story.filter((line) => line.event === event);
const first = (story: readonly StoryLine[], event: StoryLine['event'], from = 0): StoryLine | undefined =>
  story.find((line) => line.event === event && Date.parse(line.at) >= from);

/** As an operator reads it. */
function table({ story, cycles, models, from, to }: ReplayReport): string {
  const lines = story.map(({ at, until, times, timeframe, sentence, mean_seconds: seconds, effective_at: since }) =>
    [
      `${at.slice(0, 16)} ${timeframe} ${sentence}`,
      seconds === null ? '' : ` (${seconds.toFixed(1)} s)`,
      since === null ? '' : `; forecasts from ${since.slice(0, 16)}`,
      times === 1 ? '' : `; ${times} times until ${until.slice(0, 16)}`,
    ].join(''),
  );
  const work = `${models.trainings} trainings and ${models.reports} reports in ${(models.seconds / 60).toFixed(1)} minutes`;
  return [`${from} to ${to}: ${cycles.total} cycles, ${work}`, ...lines].join('\n');
}

const scanned = ({ files, bytes, numbers, forecasts, leaks }: Awaited<ReturnType<Story['scan']>>): string =>
  `${forecasts} shadow forecasts looked for in ${files} files, ${(bytes / 1e6).toFixed(0)} MB, ${numbers} numbers: ${leaks.length} found`;

test('a broken regime keeps the order of prices and multiplies every move', () => {
  const candles = [100, 101, 99, 102].map((close, i) => {
    const open = [100, 100, 101, 99][i] ?? 0;
    return { openTime: i, open, high: Math.max(open, close) + 1, low: Math.min(open, close) - 1, close, volume: 1 };
  });
  const broken = breakRegime(candles, 2, 4);
  expect(broken.slice(0, 2)).toEqual(candles.slice(0, 2));
  for (const [i, { open, high, low, close }] of broken.entries()) {
    const [before, real] = [broken[i - 1]?.close ?? 100, candles[i]];
    expect(high).toBeGreaterThanOrEqual(Math.max(open, close));
    expect(low).toBeLessThanOrEqual(Math.min(open, close));
    const move = Math.log((real?.close ?? 0) / (candles[i - 1]?.close ?? 100));
    expect(Math.log(close / before)).toBeCloseTo(move * (i < 2 ? 1 : 4), 12);
  }
});

/** Reads a line that must be there. */
function found(line: StoryLine | undefined, what: string): StoryLine {
  if (line === undefined) throw new Error(`the story does not tell of: ${what}`);
  return line;
}

async function shortStory(source: string): Promise<void> {
  const from = on('2024-09-01', 22);
  const story = new Story(source, {
    timeframes: ['1h'],
    symbols: ['ETH/USDT'],
    from,
    known: on('2024-06-01'),
    breakAt: on('2025-01-01'),
  });
  const untouched = await story.runTo(on('2024-09-02', 2));
  expect(untouched.story.map(({ at, event, by }) => [at, event, by])).toEqual([
    [iso(from + 5_000), 'first_champion', 'configuration'],
    ['2024-09-02T00:35:00.000Z', 'trained', 'automatic'],
    ['2024-09-02T00:35:00.000Z', 'shadow_started', 'automatic'],
    ['2024-09-02T01:20:00.000Z', 'decided', 'automatic'],
    ['2024-09-02T01:20:00.000Z', 'promoted', 'automatic'],
  ]);
  const [start, , , , promoted] = untouched.story;
  expect(promoted?.effective_at).toBe('2024-09-02T02:00:05.000Z');
  // One command, in the middle of the night.
  const back = start?.version ?? '';
  await story.command('model', 'rollback', '1h', back, '--reason', 'drill: the new one looks wrong');
  expect(await story.command('model', 'show', '1h')).toMatchObject({
    champion: { version: back, kind: 'rollback', at: '2024-09-02T02:00:05Z' },
    frozen_since: '2024-09-02T02:00:05Z',
  });
  const report = await story.runTo(on('2024-09-02', 4));
  const rollback = found(first(report.story, 'rolled_back'), 'the rollback');
  expect(rollback).toMatchObject({ by: 'operator', version: back, effective_at: '2024-09-02T03:00:05.000Z' });
  expect(first(report.story, 'frozen')).toMatchObject({ at: rollback.at });
  const scan = await story.scan(['1h']);
  expect(scan.leaks).toEqual([]);
  expect(scan.forecasts).toBe(1);
  writeTable('models-story', `${table(report)}\n${scanned(scan)}`);
  expectSound(story);
}

const DAYS = Number(process.env.PROOF_DAYS ?? 90);

/** 90 days of 1h: left alone, then a broken regime, then operators who promote a bad model and roll back, wrongly and rightly. */
async function hoursStory(source: string): Promise<string> {
  const from = on('2024-09-01');
  const badDay = DAYS - 17;
  const breakAt = from + Math.round(0.4 * badDay) * DAY;
  const day = (number: number, hours = 0): number => from + number * DAY + hours * HOUR;
  const story = new Story(source, {
    timeframes: ['1h'],
    symbols: ['BTC/USDT', 'ETH/USDT'],
    from,
    known: from - 180 * DAY,
    breakAt,
  });
  // The cycle at the start, a training, a report and 24 cycles: the second training is next.
  await story.killInTraining(1 + 2 + 24);
  await story.runTo(day(badDay, 12));
  const good = await story.champion('1h');
  const narrow = ['--family', 'naive', '--settings', '{"window":6}', '--wait'];
  const trained = await story.command('model', 'train', '--timeframe', '1h', ...narrow);
  const bad = String(trained.version);
  await story.command('model', 'promote', '1h', bad, '--reason', 'bands of six hours, for the proof');
  let [healedOn, healed] = [badDay, bad];
  while (healed === bad && healedOn < badDay + 12) {
    await story.runTo(day(++healedOn, 2));
    healed = await story.champion('1h');
  }
  expect(healed).not.toBe(bad);
  await story.command('model', 'rollback', '1h', bad, '--reason', 'a mistake, for the proof');
  await story.runTo(day(healedOn + 12, 2));
  expect(await story.champion('1h')).toBe(bad);
  await story.command('model', 'rollback', '1h', healed, '--reason', 'its intervals hold too little');
  const days = healedOn + 16;
  await story.runTo(day(days));
  await story.command('model', 'unfreeze', '1h', '--reason', 'the mistake is mended');
  const report = await story.runTo(day(days));
  const scan = await story.scan(['1h']);
  const told = `${table(report)}\n${scanned(scan)}`;
  writeTable('models-story-1h', told);

  const { story: lines } = report;
  const order = lines.map(({ event }) => event);
  for (const event of ['trained', 'shadow_started', 'decided', 'promoted'] as const) expect(order).toContain(event);
  // Left alone: what was named by configuration is replaced on the first night.
  expect(found(first(lines, 'promoted'), 'a promotion')).toMatchObject({ by: 'automatic', at: iso(day(0, 4 / 3)) });
  expect(lines.some(({ event, blocked_by: blocked }) => event === 'decided' && blocked.length > 0)).toBe(true);
  // The broken regime: within a day by its shocks, within ten by what it does to the champion.
  const shocks = lines.filter(({ sentence, at }) => /\(shock\)/.test(sentence) && Date.parse(at) >= breakAt);
  expect(Date.parse(shocks[0]?.at ?? '')).toBeLessThan(breakAt + 3 * DAY);
  const drift = found(first(lines, 'drift', breakAt), 'drift after the break');
  expect(Date.parse(drift.at)).toBeLessThan(breakAt + 10 * DAY);
  // The bad champion: replaced by the system at a report.
  const changes = lines.filter(({ event }) => event === 'promoted' || event === 'changed_to_naive');
  const byHand = found(
    changes.find(({ by }) => by === 'operator'),
    'the promotion by hand',
  );
  expect(byHand).toMatchObject({ version: bad, effective_at: iso(day(badDay, 13) + 5_000) });
  expect(changes.find(({ at, by }) => by === 'automatic' && at > byHand.at)).toMatchObject({
    at: iso(day(healedOn, 4 / 3)),
    version: healed,
  });
  // Rolled back to by mistake it stays, whatever the gate says, until the next command; each takes effect in the next cycle.
  const [mistake, mended] = of(lines, 'rolled_back');
  expect(mistake).toMatchObject({ version: bad, effective_at: iso(day(healedOn, 3) + 5_000) });
  expect(mended).toMatchObject({ version: healed, effective_at: iso(day(healedOn + 12, 3) + 5_000) });
  const frozen = lines.filter(({ at }) => at > (mistake?.at ?? '') && at < (mended?.at ?? ''));
  expect(frozen.filter(({ event, sentence }) => event === 'decided' && sentence.includes('PROMOTE'))).not.toEqual([]);
  expect(frozen.filter(({ event }) => event === 'promoted' || event === 'changed_to_naive')).toEqual([]);
  expect(frozen.find(({ event, version }) => event === 'drift' && version === bad)?.blocked_by).toContain('coverage');
  expect(of(lines, 'frozen')).not.toEqual([]);
  expect(of(lines, 'unfrozen')).toHaveLength(1);
  // Killed in the middle of one of them: none is lost, none counted twice.
  expect(report.models).toMatchObject({ trainings: days, reports: days });
  const scheduled = lines.filter(({ event, sentence }) => event === 'trained' && sentence.includes('(schedule)'));
  expect(scheduled.reduce((sum, { times }) => sum + times, 0)).toBe(days);
  expect(scan.leaks).toEqual([]);
  expect(scan.forecasts).toBeGreaterThan(100);
  expect(good).not.toBe(bad);
  expectSound(story);
  return told;
}

const YEAR = Number(process.env.PROOF_YEAR_DAYS ?? 365);

/** A year of 1d, left alone; the hourly candles only make the symbols ready. */
async function daysStory(source: string): Promise<string> {
  const from = on('2024-01-01');
  const breakAt = from + Math.round(0.6 * YEAR) * DAY;
  const story = new Story(source, {
    timeframes: ['1h', '1d'],
    symbols: ['BTC/USDT', 'ETH/USDT'],
    from,
    known: from - 900 * DAY,
    breakAt,
    options: ['--paused', 'cycle-1h,train-1h'],
  });
  const report = await story.runTo(from + YEAR * DAY);
  const scan = await story.scan(['1d']);
  const lines = report.story.filter(({ timeframe }) => timeframe === '1d');
  const told = `${table({ ...report, story: lines })}\n${scanned(scan)}`;
  writeTable('models-story-1d', told);
  for (const event of ['trained', 'shadow_started', 'decided'] as const) expect(first(lines, event)).toBeDefined();
  expect(report.models).toMatchObject({ trainings: YEAR, reports: YEAR });
  expect(first(lines, 'drift', breakAt)).toBeDefined();
  expect(scan.leaks).toEqual([]);
  expect(scan.forecasts).toBeGreaterThan(100);
  expectSound(story);
  return told;
}

if (!FULL_PROOF) {
  testOnCandles(
    'a night: a bad first champion is replaced by the system; one command rolls back, at the next cycle, and freezes',
    shortStory,
    TIMEOUT,
  );
} else {
  // A replay does one thing after the other, so two of them take little longer than one.
  let beside: Promise<string>;
  testOnCandles(
    `${DAYS} days of 1h: trained, judged, promoted and refused; a broken regime and a bad champion found; rolled back`,
    async (source) => {
      beside = daysStory(source);
      beside.catch(() => {});
      await hoursStory(source);
    },
    TIMEOUT,
  );
  testOnCandles(`${YEAR} days of 1d, left alone`, async () => void (await beside), TIMEOUT);
}
