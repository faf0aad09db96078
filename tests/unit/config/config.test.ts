import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as fc from 'fast-check';
import { loadConfig } from '../../../src/config/config';
import { ConfigError } from '../../../src/config/config-error';
import { readTimeframe } from '../../../src/config/reading';
import { shownText } from '../../../src/config/variables';
import { defaultRules } from '../../../src/domain/timeframe-rules';

const RUNS = Number(process.env.FC_RUNS ?? 200);

function problemsOf(environment: Record<string, string>, file: string | null = null): ConfigError['problems'] {
  try {
    loadConfig(environment, file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('defaults', () => {
  const config = loadConfig({}, null);

  test('five symbols on four timeframes are followed; 1m is not among them', () => {
    expect(config.symbols).toEqual(['BTC/USDT', 'ETH/USDT', 'XRP/USDT', 'SOL/USDT', 'DOGE/USDT']);
    expect(config.timeframes).toEqual(['1h', '1d', '1w', '1M']);
  });

  test('times are in milliseconds and paths absolute', () => {
    expect(config).toMatchObject({ settleMs: 2000, scheduleOffsetMs: 5000, cycleTargetMs: 60_000, lagRetryMs: 40_000 });
    expect(config.dataDir).toBe(resolve('data'));
    expect(config.storageBudgetBytes).toBe(50_000_000_000);
  });

  test('what is absent is null, and the threads are the cores', () => {
    expect(config).toMatchObject({ exchangeUrl: null, temporalAddress: null, temporalBin: null, diskUsagePath: null });
    expect(config.storageBudgetShare).toBeNull();
    expect(config.forecastThreads).toBeGreaterThan(0);
  });

  test('nothing counts as set by somebody', () => {
    expect(config.explicit.size).toBe(0);
    expect(config.settings.every((setting) => setting.origin === 'default')).toBe(true);
  });

  test('the rules of a timeframe are those of the table', () => {
    for (const timeframe of config.timeframes) expect(config.rules(timeframe)).toEqual(defaultRules(timeframe));
  });

  test('the configuration can not be changed', () => {
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.symbols)).toBe(true);
    expect(Object.isFrozen(config.rules(readTimeframe('1h')))).toBe(true);
  });
});

describe('overrides', () => {
  test('limits and samples change for the timeframes named and no other', () => {
    const config = loadConfig({ SOFT_MINUTES: '1h=70', HARD_MINUTES: '1h=200', MINIMUM_SAMPLES: '1d=50' }, null);
    expect(config.rules(readTimeframe('1h'))).toMatchObject({ softMinutes: 70, hardMinutes: 200, minimumSamples: 240 });
    expect(config.rules(readTimeframe('1d'))).toMatchObject({
      softMinutes: 1500,
      hardMinutes: 3000,
      minimumSamples: 50,
    });
  });

  test('retention concerns 1m only', () => {
    const config = loadConfig({ RETENTION_1M_DAYS: '30' }, null);
    expect(config.rules(readTimeframe('1m')).retention).toEqual({ days: 30 });
    expect(config.rules(readTimeframe('1h')).retention).toBe('forever');
  });

  test('a champion for all and another for one timeframe', () => {
    const config = loadConfig({ CHAMPION: 'naive,1d=prophet' }, null);
    expect(config.championFamily(readTimeframe('1h'))).toBe('naive');
    expect(config.championFamily(readTimeframe('1d'))).toBe('prophet');
  });

  test('a champion for one timeframe alone leaves the default for the rest', () => {
    const config = loadConfig({ CHAMPION: '1d=prophet' }, null);
    expect(config.championFamily(readTimeframe('1h'))).toBe('trend-volatility');
    expect(config.championFamily(readTimeframe('1w'))).toBe('range-volatility');
  });

  test('proxies are addresses and networks of both families', () => {
    const config = loadConfig({ TRUSTED_PROXIES: '10.0.0.5, 172.16.0.0/12,fd00::/8' }, null);
    expect(config.trustedProxies).toEqual(['10.0.0.5', '172.16.0.0/12', 'fd00::/8']);
    expect(loadConfig({}, null).trustedProxies).toEqual([]);
  });

  test('a port that was set is told from a default one', () => {
    const config = loadConfig({ WEB_PORT: '9000' }, null);
    expect(config.explicit.has('WEB_PORT')).toBe(true);
    expect(config.explicit.has('OPS_PORT')).toBe(false);
  });

  test("a port set to another's default is fine: a default moves on", () => {
    expect(loadConfig({ WEB_PORT: '8081' }, null)).toMatchObject({ webPort: 8081, opsPort: 8081 });
  });

  test('an empty variable counts as not set', () => {
    const config = loadConfig({ WEB_PORT: '', SYMBOLS: '  ' }, null);
    expect(config.webPort).toBe(8080);
    expect(config.explicit.size).toBe(0);
  });

  test('a slash at the end of the exchange URL does not matter', () => {
    expect(loadConfig({ EXCHANGE_URL: 'http://127.0.0.1:9/' }, null).exchangeUrl).toBe('http://127.0.0.1:9');
  });
});

describe('mistakes', () => {
  test.each<[string, Record<string, string>, string, RegExp]>([
    ['a configuration without 1h', { TIMEFRAMES: '1d,1w' }, 'TIMEFRAMES', /lacks 1h.*add 1h/],
    ['1H', { TIMEFRAMES: '1H,1d' }, 'TIMEFRAMES', /"1H" is not a timeframe.*Did you mean 1h\?/],
    ['1D', { TIMEFRAMES: '1h,1D' }, 'TIMEFRAMES', /Did you mean 1d\?/],
    ['60m', { TIMEFRAMES: '1h,60m' }, 'TIMEFRAMES', /Did you mean 1h\?/],
    ['an unknown timeframe', { TIMEFRAMES: '1h,7h' }, 'TIMEFRAMES', /"7h" is not a timeframe: use 1m .* 1M\.$/],
    ['a timeframe twice', { TIMEFRAMES: '1h,1h' }, 'TIMEFRAMES', /names 1h twice/],
    ['a small symbol', { SYMBOLS: 'btc/usdt' }, 'SYMBOLS', /BASE\/QUOTE in capitals.*Did you mean BTC\/USDT\?/],
    ['a symbol with a dash', { SYMBOLS: 'ETH-USDT' }, 'SYMBOLS', /Did you mean ETH\/USDT\?/],
    ['a symbol without a slash', { SYMBOLS: 'SOLUSDT' }, 'SYMBOLS', /Did you mean SOL\/USDT\?/],
    ['a path as symbol', { SYMBOLS: '../../x' }, 'SYMBOLS', /is not a symbol/],
    ['a comma too many', { SYMBOLS: 'BTC/USDT,,ETH/USDT' }, 'SYMBOLS', /empty symbol/],
    ['a symbol twice', { SYMBOLS: 'BTC/USDT,BTC/USDT' }, 'SYMBOLS', /names BTC\/USDT twice/],
    [
      'hard below soft',
      { HARD_MINUTES: '1h=10' },
      'HARD_MINUTES',
      /for 1h the hard limit \(10\) is below the soft limit \(65\)/,
    ],
    ['soft above hard', { SOFT_MINUTES: '1d=9999' }, 'SOFT_MINUTES', /below the soft limit \(9999\)/],
    ['soft of nothing', { SOFT_MINUTES: '1h=0' }, 'SOFT_MINUTES', /greater than 0/],
    ['a negative limit', { SOFT_MINUTES: '1h=-5' }, 'SOFT_MINUTES', /"-5" is not a number of minutes/],
    ['a limit for nobody', { SOFT_MINUTES: '65' }, 'SOFT_MINUTES', /write TIMEFRAME=minutes, like 1h=65,1d=1500/],
    ['a limit of 1H', { SOFT_MINUTES: '1H=65' }, 'SOFT_MINUTES', /Did you mean 1h\?/],
    ['a limit twice', { SOFT_MINUTES: '1h=65,1h=70' }, 'SOFT_MINUTES', /names 1h twice/],
    [
      'a misspelt family',
      { CHAMPION: 'naive,1d=range-volatilty' },
      'CHAMPION',
      /"range-volatilty" is not a model family: use one of .*prophet\. Did you mean range-volatility\?/,
    ],
    ['two champions for all', { CHAMPION: 'naive,prophet' }, 'CHAMPION', /"prophet" can not be read/],
    ['samples of half a candle', { MINIMUM_SAMPLES: '1h=1.5' }, 'MINIMUM_SAMPLES', /whole number of candles/],
    ['a port out of range', { WEB_PORT: '70000' }, 'WEB_PORT', /"70000" is not a port: use 1 to 65535/],
    ['a port in hex', { WEB_PORT: '0x50' }, 'WEB_PORT', /is not a port/],
    ['a proxy by name', { TRUSTED_PROXIES: 'proxy.internal' }, 'TRUSTED_PROXIES', /write it like 10\.0\.0\.5 or/],
    ['everybody as a proxy', { TRUSTED_PROXIES: '0.0.0.0/0' }, 'TRUSTED_PROXIES', /is not an address or network/],
    ['a network too narrow', { TRUSTED_PROXIES: '10.0.0.0/33' }, 'TRUSTED_PROXIES', /is not an address or network/],
    ['TLS for the own server', { TEMPORAL_TLS: 'on' }, 'TEMPORAL_TLS', /speaks no TLS: set TEMPORAL_ADDRESS/],
    ['an authority without TLS', { TEMPORAL_TLS_CA: 'ca.pem' }, 'TEMPORAL_TLS_CA', /set TEMPORAL_TLS=on/],
    [
      'a certificate without its key',
      { TEMPORAL_TLS: 'on', TEMPORAL_ADDRESS: 'a:1', TEMPORAL_TLS_CERT: 'c.pem' },
      'TEMPORAL_TLS_CERT',
      /set TEMPORAL_TLS_KEY/,
    ],
    ['one port for two', { WEB_PORT: '9000', OPS_PORT: '9000' }, 'OPS_PORT', /9000 is the port of WEB_PORT too/],
    ['retention of 31 days', { RETENTION_1M_DAYS: '31' }, 'RETENTION_1M_DAYS', /whole number of days from 14 to 30/],
    ['an unknown store', { STORE: 'sqlit' }, 'STORE', /use sqlite, influx\. Did you mean sqlite\?/],
    ['InfluxDB without a token', { STORE: 'influx' }, 'INFLUXDB_TOKEN', /STORE=influx needs a token/],
    ['a password in a URL', { INFLUXDB_URL: 'http://me:pw@db' }, 'INFLUXDB_URL', /holds a user name or password/],
    ['auto in production', { NODE_ENV: 'production' }, 'EXCHANGE', /"auto" is refused.*name the exchange/],
    ['an unknown log level', { LOG_LEVEL: 'warning' }, 'LOG_LEVEL', /Did you mean warn\?/],
    ['a share of nothing', { EXCHANGE_WEIGHT_SHARE: '0' }, 'EXCHANGE_WEIGHT_SHARE', /from 0\.01 to 1/],
    ['a URL of another kind', { EXCHANGE_URL: 'ftp://x' }, 'EXCHANGE_URL', /is not a URL: write http/],
    ['an exchange in capitals', { EXCHANGE: 'Binance' }, 'EXCHANGE', /small letters, like binance/],
    ['an address without port', { TEMPORAL_ADDRESS: 'localhost' }, 'TEMPORAL_ADDRESS', /write HOST:PORT/],
    ['a start before the candle is closed', { SETTLE_SECONDS: '10' }, 'SCHEDULE_OFFSET_SECONDS', /set 10 or more/],
  ])('%s is refused, and the variable is named', (_, environment, variable, sentence) => {
    const problems = problemsOf(environment);
    expect(problems.map((problem) => problem.variable)).toEqual([variable]);
    expect(problems[0]?.sentence).toMatch(sentence);
  });

  test('all problems are told at once', () => {
    const problems = problemsOf({ SYMBOLS: 'btc', TIMEFRAMES: '1d', WEB_PORT: 'x', HARD_MINUTES: '1w=1' });
    expect(problems.map((problem) => problem.variable).toSorted()).toEqual([
      'HARD_MINUTES',
      'SYMBOLS',
      'TIMEFRAMES',
      'WEB_PORT',
    ]);
  });

  test('the message names every variable, one a line', () => {
    expect(() => loadConfig({ WEB_PORT: 'x', STORE: 'y' }, null)).toThrow(/^STORE: .*\nWEB_PORT: /);
  });

  test('a password in a URL is in no message', () => {
    const error = new ConfigError(problemsOf({ EXCHANGE_URL: 'http://me:hunter2@127.0.0.1' }));
    expect(error.message).toMatch(/user name or password/);
    expect(JSON.stringify([error.message, error.problems])).not.toMatch(/hunter2/);
  });

  test('S26 a deployment that names its exchange may run in production', () => {
    expect(loadConfig({ NODE_ENV: 'production', EXCHANGE: 'binance' }, null).exchange).toBe('binance');
  });

  test('F54 the token of InfluxDB is in no listing and in no complaint', () => {
    const config = loadConfig({ STORE: 'influx', INFLUXDB_TOKEN: 's3cr3t-token' }, null);
    expect(config.influx).toEqual({
      url: 'http://127.0.0.1:8086',
      token: 's3cr3t-token',
      org: 'coin-predict',
      bucket: 'coin-predict',
    });
    expect(JSON.stringify(config.settings)).not.toContain('s3cr3t');
    const problems = problemsOf({ STORE: 'influx', INFLUXDB_TOKEN: 's3cr3t token' });
    expect(problems.map(({ variable }) => variable)).toEqual(['INFLUXDB_TOKEN']);
    expect(JSON.stringify(problems)).not.toContain('s3cr3t');
  });

  test('a secret is never shown', () => {
    const variable = { schema: {} as never, default: null, unit: '', meaning: '', secret: true };
    expect(shownText(variable, 'hunter2')).toBe('***');
  });

  test('no text makes anything but a value or a problem that names its variable', () => {
    const names = ['SYMBOLS', 'TIMEFRAMES', 'SOFT_MINUTES', 'CHAMPION', 'WEB_PORT', 'EXCHANGE_URL', 'SETTLE_SECONDS'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.string({ unit: 'grapheme' }), (name, text) => {
        const variables = problemsOf({ [name]: text }).map((problem) => problem.variable);
        expect(variables.every((variable) => variable === name || variable === 'SCHEDULE_OFFSET_SECONDS')).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('the .env file', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'config-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  function file(content: string): string {
    const path = join(folder, '.env');
    writeFileSync(path, content);
    return path;
  }

  test('values come from the file, and the environment wins', () => {
    const path = file('# mine\nexport WEB_PORT=9001\nSYMBOLS="BTC/USDT, ETH/USDT" # two\n\nLOG_LEVEL=debug # loud\n');
    const config = loadConfig({ WEB_PORT: '9002' }, path);
    expect(config).toMatchObject({ webPort: 9002, symbols: ['BTC/USDT', 'ETH/USDT'], logLevel: 'debug' });
  });

  test('each value tells where it came from', () => {
    const config = loadConfig({ WEB_PORT: '9002' }, file('LOG_LEVEL=debug\n'));
    const origin = (name: string) => config.settings.find((setting) => setting.name === name)?.origin;
    expect([origin('WEB_PORT'), origin('LOG_LEVEL'), origin('OPS_PORT')]).toEqual([
      'environment',
      '.env file',
      'default',
    ]);
  });

  test('a name that does not exist is refused with its line and the near one', () => {
    const problems = problemsOf({}, file('\nSYMBOL=BTC/USDT\n'));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.variable).toBe('SYMBOL');
    expect(problems[0]?.sentence).toMatch(/\.env:2 sets a variable that does not exist.*Did you mean SYMBOLS\?/);
  });

  test('a line that can not be read is refused with its number', () => {
    expect(problemsOf({}, file('WEB_PORT=9001\nwhat\n'))[0]?.variable).toMatch(/\.env:2$/);
  });

  test('a file that was named and is not there is refused', () => {
    expect(problemsOf({}, join(folder, 'absent'))[0]?.sentence).toMatch(/can not be read/);
  });
});

test('operator pages that are open to a network without a token stop the start, in one sentence that names the variable', () => {
  const problemsOf = (environment: Record<string, string>): string[] => {
    try {
      loadConfig(environment, null);
      return [];
    } catch (error) {
      return (error as ConfigError).problems.map(({ variable, sentence }) => `${variable}: ${sentence}`);
    }
  };
  expect(problemsOf({ OPS_HOST: '0.0.0.0' })).toEqual([
    'OPS_HOST: 0.0.0.0 opens the operator pages to the network: set OPS_TOKEN, or leave OPS_HOST at 127.0.0.1.',
  ]);
  expect(problemsOf({ OPS_HOST: '0.0.0.0', OPS_TOKEN: 'k7vQ-2fLw_9xRtBz' })).toEqual([]);
  expect(problemsOf({ OPS_HOST: '127.0.0.2' })).toEqual([]);
  expect(problemsOf({ OPS_TOKEN: 'short' })[0]).toMatch(/^OPS_TOKEN: /);
  expect(problemsOf({ OPS_TOKEN: 'short-secret' }).join()).not.toContain('short-secret');
});
