/** The activities of a pair's first hours one by one, without a workflow: for what must not depend on how a life is drawn. */
import type { FetchResult } from '../../../activities/contract';
import { HOUR } from '../../../src/domain/timeframe';
import type { Pair } from '../../../src/domain/types';
import { Life } from './life';

/** What each activity is given, in the order of a pair's first hours; `told` is what those before it answered. */
type Told = ReadonlyMap<string, unknown>;
const STEPS: Readonly<Record<string, (life: Life, told: Told) => object>> = {
  openCycle: (life) => ({ ...run(life), timeframe: '1h', trigger: 'test', workflowId: 'w', startedAt: life.time.now }),
  fillPages: (life) => ({ ...pairOf(life), asOf: life.time.now - HOUR, virtual: true }),
  settleFill: (life) => ({ ...pairOf(life), asOf: life.time.now - HOUR, virtual: true }),
  fetch: group,
  write: (life, told) => {
    const [answer] = told.get('fetch') as { value: Extract<FetchResult, { kind: 'candles' }> }[];
    return { ...group(life), pages: [{ symbol: pairOf(life).symbol, ...answer?.value }] };
  },
  repair: group,
  gate: group,
  forecast: group,
  export: (life) => ({ ...group(life), degraded: [] }),
  manifest: group,
  closeCycle: (life) => ({
    ...run(life),
    source: 'simulated',
    timeframe: '1h',
    firstPassAt: life.time.now,
    endedAt: life.time.now,
    outcome: 'published',
    pairs: 1,
    newCandles: 1,
    failed: [],
  }),
  reconcileSymbol: (life) => ({ source: 'simulated', symbol: pairOf(life).symbol, days: 1, asOf: life.time.now }),
};
export const NAMES = Object.keys(STEPS);

export function pairOf(life: Life): Pair {
  const [pair] = life.pairs;
  if (pair === undefined) throw new Error('no pair');
  return pair;
}

function run(life: Life): object {
  return { asOf: life.time.now, runId: 'r', round: 1 };
}

export function group(life: Life): object {
  return { source: 'simulated', timeframe: '1h', asOf: life.time.now, symbols: [pairOf(life).symbol] };
}

/** A life in which every activity before `name` has been run once; and the input for that one. */
export async function before(name: string): Promise<{ readonly life: Life; readonly input: object }> {
  const life = new Life({ seed: 1, clockOffsetSeconds: 0, pageCap: 17, holes: [20], trouble: 0, commands: [] });
  const told = new Map<string, unknown>();
  for (const step of NAMES) {
    const input = STEPS[step]?.(life, told) ?? {};
    if (step === name) return { life, input };
    told.set(step, await once(life, 0, step, input));
  }
  throw new Error(`there is no activity ${name}`);
}

export const once = (life: Life, worker: number, name: string, input: object): Promise<unknown> =>
  life.time.runThrough(life.attempt(life.worker(worker), name, () => life.worker(worker).run(name, input)));
