/**
 * Thousands of short lives of the whole pipeline, without a server: the real workflows and activities on ports in memory, two
 * workers whose calls interleave as a seed draws, and at every call of a port a fault may fire. `SIMULATED_LIVES` says how many.
 */
import * as fc from 'fast-check';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import failedLives from './failed-lives.json';
import { Life } from './life';
import { ROWS } from './life-script';
import type { Command, LifeScript } from './life-script';
import { FORECAST_FAULTS, LIES } from './simulated-market';
import { executions } from './simulated-workflow';
import { PORT_FAULTS } from './simulated-worker';

jest.mock('@temporalio/workflow', () => jest.requireActual<object>('./simulated-workflow'));
jest.mock('@temporalio/activity', () => jest.requireActual<object>('./simulated-activity'));

const LIVES = Number(process.env.SIMULATED_LIVES ?? (FULL_PROOF ? 3_000 : 24));
/** A busy machine must not turn it red. */
const LIMIT_MS = 600_000 + LIVES * 10_000;
const COLLECTING_LIVES = Math.ceil(LIVES / 25);
/** A new one each full run; the short form is the same wherever it runs, one with which every row befalls so few lives. */
const SEED = Number(process.env.SIMULATION_SEED ?? (FULL_PROOF ? Date.now() % 1_000_000_000 : 6));

const table = outcomeTable('simulated-lives', ROWS);

const realNow = Date.now.bind(Date);
beforeAll(() => {
  // Workflows ask for the time; theirs is the life's.
  jest.spyOn(Date, 'now').mockImplementation(() => executions.getStore()?.server.time.now ?? realNow());
  // The heartbeat of a dead worker would beat for ever.
  jest.spyOn(globalThis, 'setInterval').mockImplementation(() => 0 as unknown as NodeJS.Timeout);
});
afterAll(() => jest.restoreAllMocks());

const worker = fc.constantFrom(0, 1);
const minutes = (min: number, max: number) => fc.integer({ min, max });
const pass = (of: fc.Arbitrary<number>) => fc.record({ do: fc.constant('pass' as const), minutes: of });
const intoCycle = fc.record({ do: fc.constant('into_cycle' as const), ms: fc.integer({ min: 0, max: 600 }) });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: pass(fc.oneof(minutes(1, 90), minutes(60, 200))) },
  { weight: 8, arbitrary: intoCycle },
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
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revise' as const), pair: fc.integer({ min: 0, max: 3 }) }) },
  fc.record({ do: fc.constant('by_hand' as const), timeframe: fc.constantFrom(0, 1) }),
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
/** What needs a cycle to befall begins in one or has time to meet the next: between two, or at the end, it would befall nothing. */
const step: fc.Arbitrary<readonly Command[]> = fc.oneof(
  { weight: 30, arbitrary: fc.tuple(command) },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.record({ do: fc.constant('lie' as const), lie: fc.constantFrom(...LIES) }),
      intoCycle,
      pass(minutes(1, 5)),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.record({ do: fc.constant('forecast' as const), fault: fc.constantFrom(...FORECAST_FAULTS) }),
      intoCycle,
      pass(minutes(1, 5)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(intoCycle, fc.constant({ do: 'by_hand' as const, timeframe: 0 })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      intoCycle,
      fc.record({ do: fc.constant('terminate' as const), timeframe: fc.constantFrom(0, 0, 1) }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.record({ do: fc.constant('clock' as const), worker, hours: fc.constantFrom(-2 as const, 72 as const) }),
      pass(minutes(1, 90)),
    ),
  },
  fc.tuple(
    intoCycle,
    fc.record({ do: fc.constant('maintenance' as const), minutes: minutes(1, 120) }),
    pass(minutes(1, 90)),
  ),
  fc.tuple(intoCycle, fc.record({ do: fc.constant('ban' as const), minutes: minutes(1, 20) }), pass(minutes(1, 30))),
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.record({
        do: fc.constant('down' as const),
        minutes: fc.constantFrom(1, 30, 100, 200, 300),
        all: fc.constantFrom(false, false, true),
      }),
      pass(fc.constantFrom(1, 240, 240)),
    ),
  },
  // A new champion, and back to the one before.
  {
    weight: 2,
    arbitrary: fc.tuple(
      pass(minutes(60, 120)),
      fc.constant({ do: 'train' as const, timeframe: 0, minutes: 3 }),
      fc.constant({ do: 'change' as const, timeframe: 0, action: 'promote' as const }),
      pass(minutes(1, 90)),
      fc.constant({ do: 'change' as const, timeframe: 0, action: 'rollback' as const }),
      pass(minutes(1, 5)),
    ),
  },
);
const script: fc.Arbitrary<LifeScript> = fc.record({
  seed: fc.nat(),
  clockOffsetSeconds: fc.constantFrom(0, 0, -90, 90),
  pageCap: fc.constantFrom(10, 17, 1000),
  // More in the newest twelve slots would rightly close the gate.
  holes: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 2 }),
  trouble: fc.constantFrom(0, 0.003, 0.01, 0.03),
  commands: fc.array(step, { minLength: 4, maxLength: 12 }).map((drawn) => drawn.flat()),
});

async function live(given: LifeScript): Promise<void> {
  const life = new Life(given);
  const broken = await life.live();
  // What a mock was called with is kept, and with it this whole life.
  jest.clearAllMocks();
  if (broken.length > 0) throw new Error(`${broken.join('\n')}\n${JSON.stringify(given)}`);
  for (const [row, times] of life.fired) table.fired(row, 'invariants held, healed', times);
}

test.each(failedLives as readonly { readonly why: string; readonly script: LifeScript }[])(
  'a life that once went wrong: $why',
  async (kept) => live(kept.script),
  LIMIT_MS,
);

test(
  `I01-I10 I14 I16 I20-I26 I31 I33 I40-I44 I60 hold after each command of ${LIVES} lives (SIMULATION_SEED=${SEED})`,
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

test('every row befell a life', () => expect(table.finish()).toEqual([]));
