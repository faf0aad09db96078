/** The checker itself: a sound deployment breaks no rule of it, and each corruption breaks the rule it is about alone. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HOUR } from '../../../src/domain/timeframe';
import { candleRows } from '../../checker/candles';
import { check } from '../../checker/check';
import type { CheckInput } from '../../checker/check';
import { brokenRules, RULES, unproved } from '../../checker/findings';
import type { Rule } from '../../checker/findings';
import type { Truth } from '../../checker/market-truth';
import { ALL_BUGS } from '../../seeded-bugs/all-bugs';
import { asOf, damage, MIDNIGHT, required, rewriteGeneration, smallDeployment, THROUGH } from './small-deployment';
import type { ManifestBody, SmallDeployment } from './small-deployment';

/** Nothing was asked of a market, no candle was missing or changed, and no target has closed yet. */
const NOT_APPLICABLE: readonly Rule[] = [
  'I07 revised',
  'I60 ban',
  'I61 empty',
  'I61 cursor',
  'P16 synced',
  'SPEC6 score',
];
const FIRST = THROUGH - 300 * HOUR;
const OF_HOURS = `series = (SELECT id FROM series WHERE timeframe = '1h')`;
const HALF_PAST = FIRST + 10 * HOUR + HOUR / 2;

const folders: string[] = [];
let sound: SmallDeployment;
beforeAll(async () => {
  sound = await built();
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function built(sizes: Parameters<typeof smallDeployment>[0] = {}): Promise<SmallDeployment> {
  const deployment = await smallDeployment(sizes);
  folders.push(dirname(deployment.folder));
  return deployment;
}

/** A copy of the sound one, to be corrupted. */
function copied(): SmallDeployment {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-checker-'));
  folders.push(folder);
  cpSync(sound.folder, folder, { recursive: true });
  return { ...sound, folder };
}

/** The market with one candle more or less. */
function truthWith(open: number, change: 'added' | 'removed'): Truth {
  return (symbol, timeframe) => {
    const market = new Map(sound.truth(symbol, timeframe));
    if (timeframe !== '1h') return market;
    if (change === 'removed') market.delete(open);
    else market.set(open, required(market.get(FIRST)));
    return market;
  };
}

function fileOf({ folder }: SmallDeployment, generation: number): string {
  const text = readFileSync(join(folder, 'public', 'generations', `${generation}.json`), 'utf8');
  const sha256 = /"history":\{[^}]*"sha256":"([0-9a-f]{64})"/.exec(text)?.[1];
  return join(folder, 'public', 'objects', `${required(sha256)}.json`);
}

const without = (key: string) => (body: ManifestBody) => {
  body.entries = body.entries.filter((entry) => entry.key !== key);
};
const setRun = (columns: string): string => `UPDATE cycle_run SET ${columns} WHERE run_id = '1h ${THROUGH}'`;
const newChampion = (at: number): readonly string[] => [
  `INSERT INTO model (timeframe, version, metadata) VALUES ('1h', 'other', '{}')`,
  `INSERT INTO champion_change (timeframe, version, previous, at, kind, by, reason)
   VALUES ('1h', 'other', 'a1b2c3', ${at}, 'promotion', 'automatic', '')`,
];

type Corruption = (deployment: SmallDeployment) => Partial<CheckInput> | void;

const CORRUPTIONS: readonly (readonly [rule: Rule, what: string, corrupt: Corruption])[] = [
  [
    'I05 grid',
    'a candle at half past',
    ({ folder }) => {
      damage(
        folder,
        'candles.db',
        `INSERT INTO candle SELECT series, ${HALF_PAST}, open, high, low, close, volume, fetched_at
         FROM candle WHERE open_time = ${FIRST} AND ${OF_HOURS}`,
      );
      return { truth: truthWith(HALF_PAST, 'added') };
    },
  ],
  [
    'I06 single',
    'a slot that a store gives twice',
    ({ folder }) => {
      const rows = candleRows(folder);
      return { candles: [...rows, required(rows[0])] };
    },
  ],
  [
    'I08 kept',
    'a published candle that is stored no more',
    ({ folder }) => {
      damage(folder, 'candles.db', `DELETE FROM candle WHERE open_time = ${FIRST} AND ${OF_HOURS}`);
      return { truth: truthWith(FIRST, 'removed') };
    },
  ],
  [
    'I14 apart',
    'a run that began in the one before',
    ({ folder }) => damage(folder, 'state.db', setRun(`started_at = ${asOf(THROUGH - HOUR) + 500}`)),
  ],
  [
    'I21 named',
    'a document that only an earlier generation names is gone',
    (deployment) => rmSync(fileOf(deployment, 1)),
  ],
  [
    'I23 manifest',
    'the manifest in force is an earlier one',
    ({ folder }) => {
      const text = readFileSync(join(folder, 'public', 'generations', '2.json'));
      writeFileSync(join(folder, 'public', 'manifest.json'), text);
    },
  ],
  [
    'I31 registry',
    'a champion that was replaced an hour before goes on',
    ({ folder }) =>
      damage(
        folder,
        'state.db',
        `UPDATE champion_change SET at = ${THROUGH - 2 * HOUR}`,
        ...newChampion(THROUGH - HOUR),
      ),
  ],
  [
    'I42 shown',
    'a pair that one generation leaves out',
    ({ folder }) => rewriteGeneration(folder, 2, without('BTC/USDT 1d')),
  ],
  [
    'I44 schema',
    'a document whose source its schema forbids',
    (deployment) => {
      const text = readFileSync(fileOf(deployment, 1), 'utf8').replace('"source":"simulated"', '"source":"SIMULATED"');
      const sha256 = createHash('sha256').update(text).digest('hex');
      writeFileSync(join(deployment.folder, 'public', 'objects', `${sha256}.json`), text);
    },
  ],
];

test('a sound deployment breaks no rule, and each that applies is tried on facts', () => {
  const report = check(sound);
  expect(report.breaches).toEqual([]);
  expect(unproved(report, NOT_APPLICABLE)).toEqual([]);
});

test.each(CORRUPTIONS)('%s: %s', (rule, _, corrupt) => {
  const deployment = copied();
  const instead = corrupt(deployment) ?? {};
  expect(brokenRules(check({ ...deployment, ...instead }))).toEqual([rule]);
});

test('I41 gate: a pair with one candle too few is served', async () => {
  expect(brokenRules(check(await built({ hours: 240 })))).toEqual([]);
  expect(brokenRules(check(await built({ hours: 239 })))).toEqual(['I41 gate']);
});

test('every rule of the checker has been shown to turn red: here, or by a seeded bug', () => {
  const seeded = ALL_BUGS.flatMap(({ caughtBy }) => ('rule' in caughtBy ? [caughtBy.rule] : []));
  const shown = new Set<string>([...seeded, ...CORRUPTIONS.map(([rule]) => rule), 'I41 gate']);
  expect(Object.keys(RULES).filter((rule) => !shown.has(rule))).toEqual([]);
});

test('I31 a change that comes while a run is under way, or was asked for just before, lets it forecast by either model', () => {
  for (const at of [asOf(THROUGH) - 60_000, asOf(THROUGH) + 500]) {
    const { folder, truth } = copied();
    damage(folder, 'state.db', `UPDATE champion_change SET at = ${THROUGH - HOUR}`, ...newChampion(at));
    expect(brokenRules(check({ folder, truth }))).toEqual([]);
    damage(folder, 'state.db', `UPDATE forecast SET model_version = 'other' WHERE role = 'champion'`);
    // What is published is by the first still, which is another rule's.
    expect(brokenRules(check({ folder, truth }))).toEqual(['I33 champion']);
  }
});

test('I42 a timeframe that is published no more may leave', () => {
  const { folder, truth } = copied();
  rewriteGeneration(folder, 3, without('BTC/USDT 1d'));
  expect(brokenRules(check({ folder, truth }))).toEqual(['I42 shown']);
  damage(folder, 'state.db', `DELETE FROM publication WHERE timeframe = '1d'`);
  expect(brokenRules(check({ folder, truth }))).toEqual([]);
});

test('I03 I11 I16 a series that is lost as a whole is seen', () => {
  const { folder, truth } = copied();
  damage(folder, 'candles.db', `DELETE FROM candle WHERE series = (SELECT id FROM series WHERE timeframe = '1d')`);
  const report = check({ folder, truth });
  expect(brokenRules(report)).toEqual(expect.arrayContaining(['I03 explained', 'I11 complete', 'I16 done']));
  expect([report.broken['I03 explained'], report.broken['I11 complete'], report.broken['I16 done']]).toEqual([
    100, 100, 1,
  ]);
});

test('of a coin whose first day has not ended no daily candle is due', async () => {
  const young = await built({ days: 0 });
  const forming: Truth = (symbol, timeframe) =>
    timeframe === '1d' ? new Map([[MIDNIGHT, [1, 1, 1, 1, 1]]]) : young.truth(symbol, timeframe);
  expect(check({ ...young, truth: forming }).breaches).toEqual([]);
});
