/**
 * The checks are checked: each bug of the list, seeded into the sources of real parts, must turn its named check red.
 * Full form (`npm run proof:bugs`): each alone. Short form: those that can share a run do.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { brokenRules, unproved } from '../../checker/findings';
import { ALL_BUGS } from '../../seeded-bugs/all-bugs';
import { failedTests, playScene, tracePublish } from '../../seeded-bugs/scene';
import type { SeededBug } from '../../seeded-bugs/seeded-bug';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { FULL_PROOF, outcomeTable, writeTable } from '../outcome-table';

const MINUTES = 60_000;
const SEEDED = ALL_BUGS.filter(({ caughtBy }) => FULL_PROOF || !('alone' in caughtBy));
const kind = (wanted: SeededBug['caughtBy']['kind']) => SEEDED.filter(({ caughtBy }) => caughtBy.kind === wanted);

/** Runs: each bug alone, or all of them together. */
function runsOf(bugs: readonly SeededBug[]): (readonly [string, readonly SeededBug[]])[] {
  return FULL_PROOF ? bugs.map((bug) => [bug.name, [bug]]) : [[bugs.map(({ name }) => name).join(', '), bugs]];
}

const table = outcomeTable(
  'seeded-bugs',
  SEEDED.map(({ name }) => name),
);

/** What turned red in a run that needs no server of ours, by its name. */
const runs = new Map<string, Promise<readonly string[]>>();
function redIn(name: string, run: () => Promise<readonly string[]>): Promise<readonly string[]> {
  const begun = runs.get(name) ?? run();
  runs.set(name, begun);
  return begun;
}

const brokenInTrace = (bug: SeededBug) => redIn(bug.name, async () => brokenRules(await tracePublish([bug])));

const failedBy = (name: string, bugs: readonly SeededBug[]) =>
  redIn(name, async () => {
    const named = bugs.flatMap(({ caughtBy }) => (caughtBy.kind === 'test' ? [caughtBy] : []));
    const files = [...new Set(named.map(({ test: file }) => file))];
    return failedTests(
      bugs,
      files,
      named.map(({ title }) => title),
    );
  });

/** In the short form they begin beside the first scene. A failure is told by the test that asks for what came of it. */
function beginBeside(): void {
  if (FULL_PROOF) return;
  const begun = [
    ...runsOf(kind('test')).map(([name, bugs]) => failedBy(name, bugs)),
    ...kind('trace').map((bug) => brokenInTrace(bug)),
  ];
  for (const run of begun) run.catch(() => {});
}

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, MINUTES);
afterAll(async () => {
  await Promise.allSettled(runs.values());
  await temporal.stop();
}, 15 * MINUTES);

/** Notes each bug whose check is among the red ones, with all that turned red, and gives the others. */
function survivors(bugs: readonly SeededBug[], checkOf: (bug: SeededBug) => string, red: readonly string[]): string[] {
  return bugs.flatMap((bug) => {
    const wanted = checkOf(bug);
    const found = red.find((name) => name.includes(wanted));
    if (found === undefined) return [`${bug.name}: ${wanted} stayed green; red: ${red.join(', ') || 'none'}`];
    const others = bugs.length > 1 ? [] : red.filter((name) => name !== found);
    table.fired(bug.name, `red: ${found}${others.length === 0 ? '' : ` (and ${others.join(', ')})`}`);
    return [];
  });
}

const ruleOf = ({ caughtBy }: SeededBug): string => ('rule' in caughtBy ? caughtBy.rule : '');

test('the text of every bug stands exactly once in its source', () => {
  const times = (name: string, text: string): number => readFileSync(resolve(name), 'utf8').split(text).length - 1;
  expect(ALL_BUGS.filter(({ file, text }) => times(file, text) !== 1).map(({ name }) => name)).toEqual([]);
});

test(
  'without a bug the scene breaks no rule, and each rule is tried on facts',
  async () => {
    beginBeside();
    const [report, traced] = await Promise.all([playScene(temporal.server.address, []), tracePublish([])]);
    expect(report.breaches).toEqual([]);
    expect(unproved(report, ['P16 synced'])).toEqual([]);
    expect(traced.breaches).toEqual([]);
    expect(traced.tried['P16 synced']).toBe(7);
  },
  15 * MINUTES,
);

test.each(runsOf(kind('scene')))(
  'the checker sees in what the pipeline left: %s',
  async (_, bugs) => {
    const report = await playScene(temporal.server.address, bugs);
    expect(survivors(bugs, ruleOf, brokenRules(report))).toEqual([]);
  },
  15 * MINUTES,
);

test.each(kind('trace').map((bug) => [bug.name, bug] as const))(
  'the checker sees in the system calls of a publish: %s',
  async (_, bug) => {
    expect(survivors([bug], ruleOf, await brokenInTrace(bug))).toEqual([]);
  },
  5 * MINUTES,
);

test.each(runsOf(kind('test')))(
  'a named test fails by: %s',
  async (name, bugs) => {
    const titleOf = ({ caughtBy }: SeededBug): string => ('title' in caughtBy ? caughtBy.title : '');
    expect(survivors(bugs, titleOf, await failedBy(name, bugs))).toEqual([]);
  },
  15 * MINUTES,
);

test('every seeded bug was seen', () => {
  const survived = table.finish();
  writeTable('seeded-bugs-score', `killed ${SEEDED.length - survived.length} of ${SEEDED.length} seeded`);
  expect(survived).toEqual([]);
});
