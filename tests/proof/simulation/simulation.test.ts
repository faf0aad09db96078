/**
 * Thousands of short lives of the whole pipeline, without a server: the real workflows and activities on ports in memory, two
 * workers whose calls interleave as a seed draws, and at every call of a port a fault may fire. `SIMULATED_LIVES` says how many.
 */
import * as fc from 'fast-check';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import failedLives from './failed-lives.json';
import { Life } from './life';
import type { Command, LifeScript } from './life-script';
import { FORECAST_FAULTS, LIES } from './simulated-market';
import { executions } from './simulated-workflow';
import { PORT_FAULTS } from './simulated-worker';

jest.mock('@temporalio/workflow', () => jest.requireActual<object>('./simulated-workflow'));
jest.mock('@temporalio/activity', () => jest.requireActual<object>('./simulated-activity'));

const LIVES = Number(process.env.SIMULATED_LIVES ?? (FULL_PROOF ? 3_000 : 60));
/** A busy machine must not turn it red. */
const LIMIT_MS = 600_000 + LIVES * 10_000;
const COLLECTING_LIVES = Math.ceil(LIVES / 25);
/** A new one each full run; the short form is the same wherever it runs. */
const SEED = Number(process.env.SIMULATION_SEED ?? (FULL_PROOF ? Date.now() % 1_000_000_000 : 20_240_101));

const table = outcomeTable('simulated-lives', [
  ...PORT_FAULTS.map((fault) => `port call: ${fault}`),
  ...LIES.map((lie) => `lie: ${lie}`),
  'reconciliation asked for',
  'training asked for',
  'promotion asked for',
  'rollback asked for',
  'worker killed between calls',
  'Temporal down for less than 3 boundaries',
  'F09 Temporal down across 3 boundaries or more',
  'F19 everything dies',
  'F20 asked for three times at once',
  'F20 asked for while it runs',
  'F21 four commits at once',
  'F24 cycle terminated in mid-run',
  'F30 clock back 2 h',
  'F30 clock forward 3 d',
  'F31 exchange 90 s ahead',
  'F31 exchange 90 s behind',
  'F44 reader that takes its time',
  'F44 sweep that finds nothing to collect',
  'F44 sweep that collects',
  'F59 exchange bans us',
  'F65 candle revised after its close',
  'F66 interior gap',
  'F79 exchange down for maintenance',
  ...FORECAST_FAULTS.map((fault) => `model: ${fault}`),
]);

const realNow = Date.now.bind(Date);
beforeAll(() => {
  // Workflows ask for the time; theirs is the life's.
  jest.spyOn(Date, 'now').mockImplementation(() => executions.getStore()?.server.time.now ?? realNow());
  // The heartbeat of a dead worker would beat for ever.
  jest.spyOn(globalThis, 'setInterval').mockImplementation(() => 0 as unknown as NodeJS.Timeout);
});
afterAll(() => jest.restoreAllMocks());

const worker = fc.constantFrom(0, 1);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      minutes: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 60, max: 200 })),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('into_cycle' as const), ms: fc.integer({ min: 0, max: 600 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      worker,
      fault: fc.constantFrom(...PORT_FAULTS),
      after: fc.integer({ min: 0, max: 80 }),
    }),
  },
  fc.record({ do: fc.constant('kill' as const), worker }),
  fc.record({ do: fc.constant('clock' as const), worker, hours: fc.constantFrom(-2 as const, 72 as const) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revise' as const), pair: fc.integer({ min: 0, max: 3 }) }) },
  fc.record({ do: fc.constant('maintenance' as const), minutes: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ do: fc.constant('ban' as const), minutes: fc.integer({ min: 1, max: 20 }) }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('lie' as const), lie: fc.constantFrom(...LIES) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('forecast' as const), fault: fc.constantFrom(...FORECAST_FAULTS) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('by_hand' as const), timeframe: fc.constantFrom(0, 1) }),
  },
  fc.record({ do: fc.constant('terminate' as const), timeframe: fc.constantFrom(0, 1) }),
  fc.record({
    do: fc.constant('down' as const),
    minutes: fc.constantFrom(1, 30, 100, 200, 300),
    all: fc.boolean(),
  }),
  fc.constant({ do: 'reconcile' as const }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('train' as const),
      timeframe: fc.constantFrom(0, 0, 1),
      minutes: fc.constantFrom(0, 3, 3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      timeframe: fc.constantFrom(0, 0, 1),
      action: fc.constantFrom('promote' as const, 'rollback' as const),
    }),
  },
  fc.constant({ do: 'race' as const }),
  fc.record({ do: fc.constant('sweep' as const), worker }),
  { weight: 2, arbitrary: fc.constant({ do: 'read' as const }) },
);
const script: fc.Arbitrary<LifeScript> = fc.record({
  seed: fc.nat(),
  clockOffsetSeconds: fc.constantFrom(0, 0, -90, 90),
  pageCap: fc.constantFrom(10, 17, 1000),
  // More in the newest twelve slots would rightly close the gate.
  holes: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 2 }),
  trouble: fc.constantFrom(0, 0.003, 0.01, 0.03),
  commands: fc.array(command, { minLength: 4, maxLength: 12 }),
});

async function live(given: LifeScript): Promise<void> {
  const life = new Life(given);
  const broken = await life.live();
  // What a mock was called with is kept, and with it this whole life.
  jest.clearAllMocks();
  if (broken.length > 0) throw new Error(`${broken.join('\n')}\n${JSON.stringify(given)}`);
  for (const [fault, times] of life.fired) table.fired(fault, 'invariants held, healed', times);
  if (given.clockOffsetSeconds !== 0)
    table.fired(`F31 exchange 90 s ${given.clockOffsetSeconds > 0 ? 'ahead' : 'behind'}`, 'invariants held, healed');
  if (given.holes.length > 0) table.fired('F66 interior gap', 'explained in the ledger', given.holes.length);
}

test.each(failedLives as readonly { readonly why: string; readonly script: LifeScript }[])(
  'a life that once went wrong: $why',
  async (kept) => live(kept.script),
  LIMIT_MS,
);

test(
  `I01-I10 I14 I16 I20-I26 I31 I33 I40-I44 I60 hold after each command of ${LIVES} lives`,
  async () => {
    await fc.assert(fc.asyncProperty(script, live), { numRuns: LIVES, seed: SEED });
  },
  LIMIT_MS,
);

/** Generations and hours enough that there is something to collect, with readers who hold what may be collected, and a new champion. */
const ENOUGH_TO_COLLECT: readonly Command[] = [
  { do: 'pass', minutes: 60 },
  { do: 'train', timeframe: 0, minutes: 3 },
  { do: 'many_generations' },
  { do: 'change', timeframe: 0, action: 'promote' },
  { do: 'read' },
  { do: 'pass', minutes: 60 },
  { do: 'read' },
  { do: 'pass', minutes: 1_500 },
  { do: 'many_generations' },
  { do: 'read' },
  { do: 'sweep', worker: 0 },
];

test(
  `F44 I21 I24 nothing is collected that one of the last 50 generations names, in ${COLLECTING_LIVES} longer lives`,
  async () => {
    const longer = script.map((given) => ({ ...given, commands: [...ENOUGH_TO_COLLECT, ...given.commands] }));
    await fc.assert(fc.asyncProperty(longer, live), { numRuns: COLLECTING_LIVES, seed: SEED });
  },
  LIMIT_MS,
);

test('every fault fired', () => expect(table.finish()).toEqual([]));
