/**
 * Whatever happens to workers, Temporal and the links between them, what is left is what an undisturbed run leaves. The short
 * form has no row for what its others do too: they end workers with SIGKILL and SIGTERM and kill Temporal (F04, F06, F07).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DAY, HOUR, lastClosedOpen, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { unproved } from '../../checker/findings';
import type { Rule } from '../../checker/findings';
import { describeOnInflux, INFLUXD_START_MS, startInfluxd } from '../../influxd';
import type { TestInflux } from '../../influxd';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { PROOF_SEED, seededDraws } from '../seed';
import { openDeployment } from './deployment';
import { everyBoundary } from './content';
import type { Content } from './content';
import type { Deployment, DeploymentOptions } from './deployment';
import { TOXICS } from './fault-proxy';
import { OPERATIONS, removeOlderBuild, SLOW_OPERATIONS } from './operations';
import type { Disturbance, Scene } from './operations';

const START = Date.UTC(2024, 0, 1);
/**
 * 130 days: enough hours and days to forecast on both timeframes. The one daily slot of the short form comes when the
 * disturbances are over: what was the last try of a stage must not have been a disturbed one, and no later slot tries again.
 */
const DAY_CLOSES = START + 130 * DAY;
const FROM = DAY_CLOSES - (FULL_PROOF ? 2 : 14) * HOUR;
const TO = DAY_CLOSES + (FULL_PROOF ? 30 : 2) * HOUR + 5_000;
const OPTIONS: DeploymentOptions = {
  symbols: ['BTC/USDT', 'ETH/USDT'],
  timeframes: ['1h', '1d'],
  start: START,
  end: START + 134 * DAY,
};
const HOURLY = parseTimeframe('1h');
const PAIRS = OPTIONS.symbols.map((symbol) => ({ symbol: parseSymbol(symbol), timeframe: HOURLY }));

const endWorker =
  (signal: 'SIGKILL' | 'SIGTERM'): Disturbance =>
  async ({ deployment, workers }) => {
    const victim = workers.shift();
    const code = await victim?.end(signal);
    if (signal === 'SIGTERM') expect(code).toBe(0);
    workers.push(await deployment.startWorker());
  };

/** Both at once, since nobody knows which of them has the answer; true when the store had not been told of it yet. */
const killOnAnswer: Disturbance = async ({ deployment, workers }) => {
  const answered = (): number => deployment.market.requests().filter(({ path }) => path.endsWith('/klines')).length;
  const before = answered();
  for (let waited = 0; waited < 5_000 && answered() === before; waited++) await delay(1);
  if (answered() === before) return false;
  await Promise.all(workers.splice(0).map((victim) => victim.end('SIGKILL')));
  const through = lastClosedOpen(HOURLY, deployment.lastDue(), 5_000);
  const stored = await deployment.withStores(({ candles }) =>
    Promise.all(PAIRS.map(async (pair) => (await candles.extent(pair))?.last ?? 0)),
  );
  workers.push(...(await Promise.all([deployment.startWorker(), deployment.startWorker()])));
  return stored.some((last) => last < through);
};

const freezeWorker: Disturbance = async ({ workers }) => {
  const [victim] = workers;
  victim?.signal('SIGSTOP');
  // Longer than a heartbeat may be away, so that its work is given to the other one and it wakes up as a zombie.
  await delay(14_000);
  victim?.signal('SIGCONT');
};

/** Before a manifest is held, which holds the lock of the state. */
const refusedBefore = new WeakMap<Deployment, number>();

async function refusedManifests(deployment: Deployment): Promise<number> {
  const { manifest } = await deployment.refused();
  return manifest;
}

/** Frozen in the middle of its commit, the lock of the state in its hand, until its step is given to the other one. */
const freezeInManifest: Disturbance = Object.assign(
  async ({ deployment }: Scene) => {
    const held = await deployment.heldCommit();
    if (held === null) return false;
    process.kill(held.pid, 'SIGSTOP');
    await held.release();
    await delay(FULL_PROOF ? 60_000 : 11_500);
    process.kill(held.pid, 'SIGCONT');
    const before = refusedBefore.get(deployment) ?? 0;
    for (const end = Date.now() + 60_000; Date.now() < end; await delay(100)) {
      // The lock may still be held.
      if ((await refusedManifests(deployment).catch(() => before)) > before) return true;
    }
    throw new Error('the manifest of the worker that woke up was not refused');
  },
  {
    before: async ({ deployment }: Scene) => {
      refusedBefore.set(deployment, await refusedManifests(deployment));
      await deployment.holdCommit();
    },
  },
);

const freezeServer: Disturbance = async ({ deployment }) => {
  const { pid } = deployment.temporal.server;
  process.kill(pid, 'SIGSTOP');
  await delay(FULL_PROOF ? 30_000 : 2_000);
  process.kill(pid, 'SIGCONT');
};

const spoil =
  (link: 'temporal' | 'market', toxic: (typeof TOXICS)[number]): Disturbance =>
  async ({ deployment }) => {
    const proxy = deployment.links[link];
    const fired = () => proxy.fired.get(toxic) ?? 0;
    const before = fired();
    await proxy.apply(toxic);
    // Until traffic has met it, and a moment more; that nobody listens can not be counted by who does not.
    const longest = toxic === 'refuse' ? 0 : FULL_PROOF ? 8_000 : 3_000;
    for (let waited = 0; waited < longest && fired() === before; waited += 20) await delay(20);
    await delay(200);
    await proxy.apply('none');
    return toxic === 'refuse' || fired() > before;
  };

/** What each toxic does is shown by `fault-proxy.test.ts`; the short form takes the two that lose most. */
const LINK_TOXICS = FULL_PROOF ? TOXICS : TOXICS.filter((toxic) => toxic === 'reset' || toxic === 'do_then_fail');

const FROZEN_IN_MANIFEST = 'P10 F05 I26 worker frozen in the middle of a manifest and thawed';

const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  'F01 worker killed between the answer and the write': killOnAnswer,
  'F10 Temporal frozen and thawed': freezeServer,
  [FROZEN_IN_MANIFEST]: freezeInManifest,
  ...Object.fromEntries(LINK_TOXICS.map((toxic) => [`F55 link to Temporal: ${toxic}`, spoil('temporal', toxic)])),
  ...Object.fromEntries(LINK_TOXICS.map((toxic) => [`F50 link to the market: ${toxic}`, spoil('market', toxic)])),
  ...OPERATIONS,
  ...(FULL_PROOF
    ? {
        'F04 worker killed with SIGKILL': endWorker('SIGKILL'),
        'F06 worker stopped with SIGTERM': endWorker('SIGTERM'),
        'F07 Temporal killed and restarted': async ({ deployment }) => deployment.temporal.crash(500),
        'F05 worker frozen and thawed': freezeWorker,
        ...SLOW_OPERATIONS,
      }
    : {}),
};
const NAMES = Object.keys(DISTURBANCES);
const table = outcomeTable('processes', NAMES, PROOF_SEED);
const draw = seededDraws('processes');

/**
 * Short: one run for all of them; the database is lost first, so that the histories of the others are still there to be
 * replayed. Full: each alone, again and again.
 */
const SCRIPTS: readonly (readonly [string, readonly string[]])[] = FULL_PROOF
  ? NAMES.map((name) => [name, Array.from({ length: 8 }, () => name)])
  : [['all of them in one run', NAMES.toSorted((a, b) => Number(b.startsWith('F11')) - Number(a.startsWith('F11')))]];

/** How often a disturbance that met nothing may be tried again in one run. */
const SPARE = FULL_PROOF ? 8 : 4;

/** This market has every candle, changes none and bans nobody, and every pair has its minimum. */
const NOT_APPLICABLE: readonly Rule[] = ['I07 revised', 'I41 gate', 'I60 ban', 'I61 empty', 'I61 cursor', 'P16 synced'];

async function withDeployment<T>(
  work: (deployment: Deployment) => Promise<T>,
  stores: Pick<DeploymentOptions, 'influx'> = {},
): Promise<T> {
  const deployment = await openDeployment({ ...OPTIONS, ...stores });
  try {
    return await work(deployment);
  } finally {
    await deployment.stop();
  }
}

let golden: Promise<Content> | null = null;
/** The undisturbed run, once, beside the first disturbed one. */
function undisturbed(): Promise<Content> {
  golden ??= withDeployment(async (deployment) => {
    const worker = await deployment.startWorker();
    await deployment.drive(FROM, TO);
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(await deployment.breaches()).toEqual([]);
    const content = await deployment.content();
    expect(content.boundaries).toEqual(everyBoundary(OPTIONS.timeframes, FROM, TO));
    return content;
  });
  golden.catch(() => {});
  return golden;
}

/**
 * Two workers, and the disturbances in their order while the slots are driven, in the short form from the second slot on: for
 * each some slots more may begin, and it comes a moment later, whatever runs by then; for one that met nothing to disturb they
 * may again. In the full form the next one waits until those slots have begun: all of them in the first fill would prove its
 * growing pauses, and last for hours. Those for which no slot was left have not fired.
 */
async function disturbed(deployment: Deployment, names: readonly string[]): Promise<void> {
  const scene: Scene = {
    deployment,
    workers: await Promise.all([deployment.startWorker(), deployment.startWorker()]),
  };
  const slotsEach = Math.floor((TO - FROM) / HOUR / (names.length + SPARE));
  const begun = new Set<number>();
  const pace = { allowed: FULL_PROOF ? 0 : 1, over: false };
  const before = async (due: number): Promise<void> => {
    begun.add(due);
    while (begun.size > pace.allowed) await delay(10);
  };
  const driving = deployment.drive(FROM, TO, { before }).finally(() => {
    pace.over = true;
  });
  driving.catch(() => {});
  try {
    // A fill that is disturbed waits for its growing pauses: minutes that the short form does not have.
    if (!FULL_PROOF) while (begun.size < 2 && !pace.over) await delay(10);
    for (const name of names) {
      for (let fired = false; !fired && !pace.over;) {
        if (FULL_PROOF) while (begun.size < pace.allowed && !pace.over) await delay(10);
        await DISTURBANCES[name]?.before?.(scene);
        pace.allowed += slotsEach;
        await delay(100 + draw() * 200);
        fired = (await DISTURBANCES[name]?.(scene)) !== false;
        if (fired) table.fired(name, 'same content, no overlap, every boundary done');
      }
    }
  } finally {
    pace.allowed = Number.POSITIVE_INFINITY;
  }
  await driving;
  await Promise.all(scene.workers.map((worker) => worker.end('SIGTERM')));
}

afterAll(async () => {
  await golden?.catch(() => {});
  removeOlderBuild();
}, 600_000);

async function expectUndisturbed(deployment: Deployment, names: readonly string[]): Promise<void> {
  const content = await deployment.content();
  const wanted = await undisturbed();
  expect(content.failing).toEqual([]);
  expect(content.predictions).toEqual(wanted.predictions);
  expect(content.entries).toEqual(wanted.entries);
  expect(content.candles).toBe(wanted.candles);
  expect(content.forecasts).toBe(wanted.forecasts);
  expect(content.boundaries).toEqual(wanted.boundaries);
  expect(await deployment.breaches()).toEqual([]);
  const checked = await deployment.checked();
  expect(checked.breaches).toEqual([]);
  expect(unproved(checked, NOT_APPLICABLE)).toEqual([]);
  // I25: dense, none twice, whatever was killed in mid-commit.
  expect(content.generations).toEqual(content.generations.map((_, k) => (content.generations[0] ?? 0) + k));
  expect(await deployment.nonDeterminism()).toEqual([]);
  const runs = await deployment.runs();
  // Only a run that was terminated, or lost with its server, has no end.
  const endless = runs.filter(({ endedAt }) => endedAt === null).length;
  expect(endless).toBeLessThanOrEqual(names.filter((name) => /F11|F24/.test(name)).length);
  for (const timeframe of OPTIONS.timeframes) {
    const ofOne = runs.filter((run) => run.timeframe === timeframe).toSorted((a, b) => a.startedAt - b.startedAt);
    for (const [k, run] of ofOne.entries()) {
      expect(run.startedAt).toBeGreaterThanOrEqual(ofOne[k - 1]?.endedAt ?? 0);
    }
  }
}

/** Most of a run is waiting for what was killed to be missed, so several go on at once (`--maxConcurrency` of the proof). */
test.concurrent.each(SCRIPTS)(
  `I10 I14 I16 I18 I25 F21 %s: no lost boundary, no overlap, the same content (seed ${PROOF_SEED})`,
  async (_, names) => {
    void undisturbed();
    await withDeployment(async (deployment) => {
      await disturbed(deployment, names);
      await expectUndisturbed(deployment, names);
    });
  },
  FULL_PROOF ? 3_600_000 : 400_000,
);

if (FULL_PROOF) {
  describeOnInflux('candles in InfluxDB', () => {
    let influx: TestInflux;
    beforeAll(async () => {
      influx = await startInfluxd();
    }, INFLUXD_START_MS);
    afterAll(() => influx.stop());

    test(`${FROZEN_IN_MANIFEST}, then killed: the same content as on the embedded store`, async () => {
      const names = [FROZEN_IN_MANIFEST, 'F04 worker killed with SIGKILL'];
      await withDeployment(
        async (deployment) => {
          await disturbed(deployment, names);
          await expectUndisturbed(deployment, names);
        },
        { influx },
      );
    }, 1_800_000);
  });
}

test('every fault fired', () => expect(table.finish()).toEqual([]));
