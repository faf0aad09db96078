import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../src/config/config-error';
import { buildCli } from '../../../src/cli/cli';
import { EXIT_CODES, EXIT_MEANINGS, endingOf } from '../../../src/cli/exit-codes';
import { PipelineError, type ErrorCode } from '../../../src/domain/errors';
import { TemporalUnreachable } from '../../../src/ports/control';
import { World, scheduleView } from './test-wiring';

const ONE_PAIR = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' };

describe('exit codes', () => {
  test.each<[string, number, unknown]>([
    ['a configuration that can not be used', 3, new ConfigError([{ variable: 'X', value: null, sentence: 'is bad.' }])],
    ['a Temporal server that does not answer', 4, new TemporalUnreachable('h:1', null)],
    ['an error nobody has named', 1, new Error('boom')],
    ['something thrown that is no error', 1, 'boom'],
    ...(
      [
        ['invalid_input', 2],
        ['bad_symbol', 3],
        ['source_mismatch', 3],
        ['exchange_unreachable', 4],
        ['exchange_banned', 4],
        ['store_unavailable', 4],
        ['page_rejected', 5],
        ['insufficient_data', 5],
        ['fenced', 7],
        ['disk_full', 1],
      ] as [ErrorCode, number][]
    ).map(([code, exit]): [string, number, unknown] => [code, exit, new PipelineError(code, 'it happened')]),
  ])('%s ends with %i', (_, exit, error) => expect(endingOf(error).exitCode).toBe(exit));

  test('a failure the program names tells what to do next', () => {
    expect(endingOf(new PipelineError('exchange_unreachable', 'binance: refused')).message).toMatch(
      /^binance: refused\n {2}next: check the network/,
    );
  });

  test('every code has a meaning, and --help tells them', async () => {
    expect(EXIT_MEANINGS.map(([code]) => code)).toEqual(Object.values(EXIT_CODES));
    const world = new World();
    expect(await world.run('--help')).toBe(0);
    for (const [code, meaning] of EXIT_MEANINGS) expect(world.stdout).toContain(`  ${code}  ${meaning}`);
  });

  test('what was opened is closed once, after success and after failure', async () => {
    const world = new World();
    await world.run('schedule list');
    await world.run('statu');
    expect(world.closed).toBe(2);
  });
});

test("the operator's guide names every verb", () => {
  const guide = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'operators-guide.md'), 'utf8');
  const verbs = buildCli(new World().wiring()).commands.flatMap((noun) =>
    noun.commands.length > 0 ? noun.commands.map((verb) => `${noun.name()} ${verb.name()}`) : [noun.name()],
  );
  const named = (verb: string): boolean => new RegExp(`(\`|coin-predict )${verb}\\b`).test(guide);
  expect(verbs.filter((verb) => !named(verb))).toEqual([]);
});

test('every verb is described and gives text or JSON', () => {
  const verbs = buildCli(new World().wiring()).commands.flatMap((noun) =>
    noun.commands.length > 0 ? noun.commands : [noun],
  );
  expect(verbs.length).toBeGreaterThanOrEqual(27);
  for (const verb of verbs) {
    expect(verb.description()).not.toBe('');
    expect(verb.options.map((option) => option.long)).toEqual(expect.arrayContaining(['--output', '--json']));
  }
});

describe('mistakes get one clear sentence and exit 2', () => {
  test.each<[string, RegExp]>([
    ['statu', /unknown command 'statu'\n\(Did you mean status\?\)/],
    ['data covrage', /unknown command 'covrage'\n\(Did you mean coverage\?\)/],
    ['cycle run', /missing required argument 'timeframe'/],
    [
      'cycle run 1H',
      /the timeframe "1H" is not configured: configured are 1h, 1d, 1w, 1M \(TIMEFRAMES\)\. Did you mean 1h\?/,
    ],
    ['cycle run 4h', /"4h" is not configured: configured are 1h/],
    ['why BTC/USDC 1h', /"BTC\/USDC" is not configured.*Did you mean BTC\/USDT\?/],
    ['forecast show btcusdt 1h', /Did you mean BTC\/USDT\?/],
    ['schedule preview -n 0', /'-n, --count <number>' argument '0' is invalid\. Use a whole number from 1 to 1000/],
    ['schedule pause cycle-1hh', /no schedule is called "cycle-1hh": there are cycle-1h\. Did you mean cycle-1h\?/],
    ['status --output xml', /argument 'xml' is invalid\. Allowed choices are text, json/],
    ['data backfill --only mising', /Allowed choices are missing, failed, all/],
    [
      'data import candles.csv',
      /does not tell symbol and timeframe: name it like BTC_USDT-1h\.csv\.gz or give --symbol/,
    ],
    ['data import BTC_USDT-1H.csv', /does not tell symbol and timeframe/],
    ['data import x.csv --symbol btc/usdt --timeframe 1h', /Did you mean BTC\/USDT\?/],
    ['data export', /say which pair, like "data export BTC\/USDT 1h", or give a folder with --to/],
    ['data export BTC/USDT', /say which timeframe of BTC\/USDT/],
    ['data export BTC/USDT 1h --from yesterday', /Write a UTC time that exists, like 2024-05-01/],
    ['data export BTC/USDT 1h --from 2024-02-31', /Write a UTC time that exists, like 2024-05-01/],
    ['data export BTC/USDT 1h --from 2023-02-29T12:00Z', /Write a UTC time that exists, like 2024-05-01/],
    ['export rollback', /required option '--to <generation>' not specified/],
    ['backtest --timeframe 1h', /required option '--data <folder>' not specified/],
    ['backtest --data /does-not-exist --timeframe 1h', /there is no folder "\/does-not-exist"/],
    ['backtest --data . --timeframe 1D', /"1D" is not a timeframe.*Did you mean 1d\?/],
    ['market --port 99999', /Use a whole number from 0 to 65535/],
  ])('%s', async (line, sentence) => {
    const world = new World();
    world.schedules = [scheduleView()];
    expect(await world.run(line)).toBe(2);
    expect(world.stderr).toMatch(sentence);
    expect(world.stdout).toBe('');
  });

  test('a noun without a verb shows the verbs', async () => {
    const world = new World();
    expect(await world.run('data')).toBe(2);
    expect(world.stderr).toMatch(/coverage.*\n.*gaps/);
  });
});

test('a configuration that can not be used ends with 3 and tells every problem', async () => {
  const world = new World();
  world.environment = { TIMEFRAMES: '1d', WEB_PORT: 'x' };
  expect(await world.run('status')).toBe(3);
  expect(world.stderr).toMatch(/^error: the configuration has 2 problems:\n {2}WEB_PORT: .*\n {2}TIMEFRAMES: /);
});

test('a Temporal server that does not answer ends with 4 and says how to mend it', async () => {
  const world = new World();
  world.temporalAnswers = false;
  expect(await world.run('schedule list')).toBe(4);
  expect(world.stderr).toMatch(/127\.0\.0\.1:7233 does not answer; start it with/);
});

describe('schedule', () => {
  test('list tells state, times and counts, in JSON with ISO times', async () => {
    const world = new World();
    world.schedules = [scheduleView({ paused: true, note: 'frozen for a look', missed: 2 })];
    expect(await world.run('schedule list --json')).toBe(0);
    expect(world.json()).toEqual({
      schedules: [
        {
          id: 'cycle-1h',
          paused: true,
          note: 'frozen for a look',
          next_starts: ['2024-05-01T15:00:05Z'],
          last_starts: [],
          running: [],
          missed: 2,
          skipped: 0,
        },
      ],
    });
  });

  test('pause keeps the reason', async () => {
    const world = new World();
    world.schedules = [scheduleView()];
    expect(await world.run('schedule pause cycle-1h --reason maintenance')).toBe(0);
    expect(world.asked).toEqual(['pause cycle-1h maintenance']);
    expect(world.stdout).toBe('cycle-1h: paused\n');
  });

  test('preview gives boundaries by calendar, months of their real length, without asking anybody', async () => {
    const world = new World();
    world.temporalAnswers = false;
    expect(await world.run('schedule preview 1M -n 3 -o json')).toBe(0);
    expect(world.json()).toMatchObject({
      starts: [
        { schedule: 'cycle-1M', boundary: '2024-06-01T00:00:00Z', start: '2024-06-01T00:00:05Z' },
        { boundary: '2024-07-01T00:00:00Z' },
        { boundary: '2024-08-01T00:00:00Z' },
      ],
    });
  });

  test.each([
    ['2024-05-01T15:00:04Z', '2024-05-01T15:00:05Z'],
    ['2024-05-01T15:00:05Z', '2024-05-01T16:00:05Z'],
  ])('at %s the next cycle starts at %s', async (time, start) => {
    const world = new World();
    world.overrides = { clock: { now: () => Date.parse(time), monotonic: () => 0 } };
    await world.run('schedule preview 1h -n 1 --json');
    expect(world.json()).toMatchObject({ starts: [{ start }] });
  });

  test('a week opens on Monday', async () => {
    const world = new World();
    await world.run('schedule preview 1w -n 1 --json');
    expect(world.json()).toMatchObject({ starts: [{ boundary: '2024-05-06T00:00:00Z' }] });
  });
});

describe('cycle run', () => {
  const start = { kind: 'started', workflowId: 'cycle-1h', runId: 'r1' } as const;
  const report = {
    timeframe: '1h',
    workflowId: 'cycle-1h',
    runId: 'r1',
    asOf: 0,
    rounds: 1,
    generation: 7,
    newCandles: 5,
    pairs: [],
  };

  test.each([
    ['published', 0],
    ['idle', 0],
    ['partial', 8],
    ['failed', 1],
  ])('a cycle that ended %s exits %i', async (outcome, exit) => {
    const world = new World();
    world.control = { runCycle: async () => start, cycleResult: async () => ({ ...report, outcome }) as never };
    expect(await world.run('cycle run 1h --json')).toBe(exit);
    expect(world.json()).toMatchObject({ outcome, generation: 7, new_candles: 5 });
    expect(world.stderr).toBe('started: workflow cycle-1h, run r1\n');
  });

  test('one that runs already is joined, and its run is named', async () => {
    const world = new World();
    world.control = { runCycle: async () => ({ ...start, kind: 'already_running' }) };
    expect(await world.run('cycle run 1h --no-wait')).toBe(0);
    expect(world.stdout).toBe('already running, joined: workflow cycle-1h, run r1\n');
  });
});

describe('processes run until they are stopped', () => {
  test.each(['up', 'worker', 'serve'])('%s tells its addresses and is stopped at the end', async (verb) => {
    const world = new World();
    expect(await world.run(verb)).toBe(0);
    expect(world.stdout).toBe('page    http://127.0.0.1:1\nweb ui  -\n');
    expect(world.asked).toEqual([verb, `stop ${verb}`]);
  });

  test('market takes its seed from the configuration unless told', async () => {
    const world = new World();
    world.environment = { MARKET_SEED: '42' };
    await world.run('market');
    await world.run('market --seed 7 --port 5555');
    expect(world.asked.filter((line) => line.startsWith('market'))).toEqual([
      'market 127.0.0.1 0 42',
      'market 127.0.0.1 5555 7',
    ]);
  });

  test('one that fails by itself ends with its failure, and is stopped', async () => {
    const world = new World();
    const stop = jest.fn(async () => {});
    world.overrides = {
      startWorker: async () => ({ facts: {}, ended: Promise.reject(new Error('worker died')), stop }),
    };
    expect(await world.run('worker')).toBe(1);
    expect(world.stderr).toBe('error: worker died\n');
    expect(stop).toHaveBeenCalledTimes(1);
  });
});

describe('export', () => {
  test('verify without a breach ends with 0', async () => {
    const world = new World();
    world.exporter = { verify: async () => ({ breaches: [], checked: { documents: 10 } }) };
    expect(await world.run('export verify')).toBe(0);
    expect(world.stdout).toBe('0 breaches; checked 10 documents\n');
  });

  test('verify with a breach ends with 5 and prints it', async () => {
    const world = new World();
    const breach = { invariant: 'I20', where: 'manifest.json', sentence: 'a file is not there' };
    world.exporter = { verify: async () => ({ breaches: [breach], checked: {} }) };
    expect(await world.run('export verify --json')).toBe(5);
    expect(world.json()).toEqual({ breaches: [breach], checked: {} });
  });

  test('F91 a rollback that is refused ends with 7 and one sentence', async () => {
    const world = new World();
    world.exporter = {
      rollback: async () => {
        throw new PipelineError('invalid_input', 'generation 3 is gone');
      },
    };
    expect(await world.run('export rollback --to 3')).toBe(7);
    expect(world.stderr).toMatch(/^error: generation 3 is gone\n/);
  });

  test('a rollback says both generations', async () => {
    const world = new World();
    world.exporter = { rollback: async ({ to }) => ({ generation: to + 10 }) };
    expect(await world.run('export rollback --to 3 --reason why --json')).toBe(0);
    expect(world.json()).toEqual({ generation: 13, rollback_of: 3 });
  });
});

describe('backtest', () => {
  const row = {
    family: 'naive',
    recipe: {},
    default: false,
    n: 4,
    mae_ratio: 1,
    pinball_ratio: 1,
    cov80: 0.8,
    cov95: 0.95,
    seconds: 0.001,
  };

  test('JSON is the rows, what failed and what was left out; progress goes to stderr, and the options arrive', async () => {
    const world = new World();
    let seen: unknown;
    world.overrides = {
      backtest: async () => async (request) => {
        request.progress('1 of 2');
        seen = { ...request, progress: null };
        return { rows: [row], failures: [], skipped: [] };
      },
    };
    expect(
      await world.run('backtest --data . --timeframe 1d --origins 3 --window 50 --families naive,prophet -o json'),
    ).toBe(0);
    expect(world.json()).toEqual({ rows: [row], failures: [], skipped: [] });
    expect(world.stderr).toBe('1 of 2\n');
    expect(seen).toEqual({
      dataDir: '.',
      timeframe: '1d',
      origins: 3,
      window: 50,
      families: ['naive', 'prophet'],
      progress: null,
    });
  });

  test.each([
    ['prophet', 1],
    ['naive,prophet', 8],
  ])('of %s the one that failed is told with its reason, and ends with %i', async (families, code) => {
    const world = new World();
    const failures = [{ family: 'prophet', failed: 4, why: 'prophet needs 100 closed candles, and there are 50' }];
    const rows = ['naive-conformal', 'naive'].map((family) => ({ ...row, family }));
    const result = { rows: rows.slice(0, families.split(',').length), failures, skipped: ['CCC_USDT-1d.csv.gz'] };
    world.overrides = { backtest: async () => async () => result };
    const line = `backtest --data . --timeframe 1d --window 50 --families ${families}`;
    expect(await world.run(line)).toBe(code);
    expect(world.stdout).toContain('prophet failed 4 times, first: prophet needs 100 closed candles, and there are 50');
    expect(world.stdout).toContain('left out, too short for this window: CCC_USDT-1d.csv.gz');
    expect(await world.run(`${line} --json`)).toBe(code);
    expect(world.json()).toEqual(result);
  });

  test('a folder without a series that is long enough ends with 5', async () => {
    const world = new World();
    expect(await world.run('backtest --data . --timeframe 1d')).toBe(5);
    expect(world.stderr).toMatch(/no series in "\." is long enough/);
  });
});

describe('config show', () => {
  test('--origin tells where each value came from', async () => {
    const world = new World();
    world.environment = { ...ONE_PAIR };
    expect(await world.run('config show --origin --json')).toBe(0);
    const { variables } = world.json() as { variables: { name: string; value: string; origin: string }[] };
    expect(variables.find((row) => row.name === 'SYMBOLS')).toEqual({
      name: 'SYMBOLS',
      value: 'BTC/USDT',
      origin: 'environment',
    });
    expect(variables.find((row) => row.name === 'WEB_PORT')).toEqual({
      name: 'WEB_PORT',
      value: '8080',
      origin: 'default',
    });
  });

  test('a password in a URL is hidden', async () => {
    const world = new World();
    world.environment = { DISK_USAGE_PATH: 'smb://me:hunter2@disk/share' };
    await world.run('config show');
    expect(world.stdout).toContain('smb://***@disk/share');
    expect(world.stdout).not.toContain('hunter2');
  });
});
