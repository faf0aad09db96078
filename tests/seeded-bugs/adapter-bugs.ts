/** Bugs in the adapters of exchange and InfluxDB, in workflows and in what bootstraps them. */
import type { SeededBug } from './seeded-bug';

const CYCLE_TEST = 'tests/workflows/cycle.test.ts';

export const ADAPTER_BUGS: readonly SeededBug[] = [
  {
    name: 'flush_only_close',
    file: 'src/adapters/influx/connection.ts',
    text: "const { status } = await this.#send('POST', path, headers, lines.join('\\n'));",
    instead: `void this.#send('POST', path, headers, lines.join('\\n')).catch(() => {});
    const status = NO_CONTENT;`,
    caughtBy: {
      kind: 'test',
      test: 'tests/ports/influx-connection.test.ts',
      title: 'P11 a write is acknowledged by its own answer alone',
    },
  },
  {
    name: 'latest_clock_closes_candles',
    file: 'src/adapters/ccxt/ccxt-exchange.ts',
    text: 'const closedAsOf = Math.min(asOf, clock.now(), exchangeNow);',
    instead: 'const closedAsOf = Math.max(asOf, clock.now(), exchangeNow);',
    caughtBy: {
      kind: 'test',
      test: 'tests/ports/exchange/ccxt-page.test.ts',
      title: 'F31 a clock of ours that runs ahead closes no candle',
    },
  },
  {
    name: 'queue_goes_on_in_a_ban',
    file: 'src/adapters/ccxt/ccxt-exchange.ts',
    text: '      await this.passBan(call);\n',
    instead: '',
    caughtBy: {
      kind: 'test',
      test: 'tests/ports/exchange/ccxt-bans.test.ts',
      title: 'I60 requests that stood in the queue when the ban came are not sent',
    },
  },
  {
    name: 'failed_forecast_not_told',
    file: 'workflows/pair-chain.ts',
    text: 'stages.exportDocuments(group(due), [...progress.degraded.keys()])',
    instead: 'stages.exportDocuments(group(due), [])',
    caughtBy: { kind: 'test', test: CYCLE_TEST, title: 'I42 a failed forecast keeps the last good one' },
  },
  {
    name: 'request_in_a_running_cycle_lost',
    file: 'workflows/cycle.ts',
    text: `  setHandler(againSignal, () => {
    requested = true;
  });`,
    instead: '  setHandler(againSignal, () => {});',
    caughtBy: { kind: 'test', test: CYCLE_TEST, title: 'I14 a second start under the fixed ID is refused' },
  },
  {
    name: 'bootstrap_ends_a_pause',
    file: 'temporal/schedule-reconciler.ts',
    text: 'state: previous.state.paused ? previous.state : { ...previous.state, ...definition.state },',
    instead: 'state: { ...previous.state, ...definition.state, paused: false },',
    caughtBy: {
      kind: 'test',
      test: 'tests/workflows/schedules.test.ts',
      title: 'I15 applying twice is the same as once',
      alone: true,
    },
  },
];
