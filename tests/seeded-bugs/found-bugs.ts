/** Bugs that the proofs once found in the program, put back. */
import type { SeededBug } from './seeded-bug';

const ACTIVATION = 'activities/activation.ts';
const ACTIVATION_TEST = 'tests/activities/activation.test.ts';

export const FOUND_BUGS: readonly SeededBug[] = [
  {
    name: 'one_candle_behind_for_ever',
    file: 'workflows/pair-chain.ts',
    text: "if (result.kind === 'lagging' || (result.kind === 'candles' && result.missing === 1)) {",
    instead: "if (result.kind === 'lagging') {",
    caughtBy: {
      kind: 'test',
      test: 'tests/workflows/cycle.test.ts',
      title: 'F31 waits for the newest candle too when only those before it are there',
    },
  },
  {
    name: 'never_ready_by_a_clock_behind',
    file: ACTIVATION,
    text: 'lastClosedOpen(pair.timeframe, asOf - CLOCK_TOLERANCE_MS, ports.settings.settleMs)',
    instead: 'lastClosedOpen(pair.timeframe, asOf, ports.settings.settleMs)',
    caughtBy: { kind: 'test', test: ACTIVATION_TEST, title: 'F31 right after a boundary the candle' },
  },
  {
    name: 'ready_since_its_fill_began',
    file: ACTIVATION,
    text: 'const since = before?.activation === activation ? before.since : now;',
    instead: 'const since = before?.activation === activation ? before.since : asOf;',
    caughtBy: { kind: 'test', test: ACTIVATION_TEST, title: 'I16 a symbol that turns ready by a long fill' },
  },
  {
    name: 'forecast_without_its_export',
    file: 'activities/gate.ts',
    // Either line alone makes the export due.
    text: '(!row.predicts || row.predictionDataThrough === dataThrough) &&\n    !(await exportFailed(ports, pair)) &&',
    instead: '',
    caughtBy: {
      kind: 'test',
      test: 'tests/proof/simulation/kept-faults.test.ts',
      title: 'a forecast that was issued and not exported, beside a history that was, is exported by the next round',
    },
  },
  {
    name: 'late_attempt_takes_data_back',
    file: 'src/domain/run-order.ts',
    text: 'return next.dataThrough === null ? next.asOf !== standing.asOf : next.dataThrough >= standing.dataThrough;',
    instead: 'return true;',
    caughtBy: {
      kind: 'test',
      test: 'tests/unit/domain/run-order.test.ts',
      title: 'I25 no earlier run, by whatever clock, takes the data of another back',
    },
  },
  {
    name: 'judged_on_its_first_holdout',
    file: 'activities/candidate.ts',
    text: "const newest = starts.find((of) => of.verdict === 'started' && of.version === version && of.at <= until);",
    instead: 'const newest = starts.find(() => false);',
    caughtBy: {
      kind: 'test',
      test: 'tests/integration/pipeline/young-ledger.test.ts',
      title: 'a challenger of 1w with 400 candles is promoted',
      alone: true,
    },
  },
];
