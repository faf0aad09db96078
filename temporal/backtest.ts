import type { Backtest } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { backtest as runBacktest } from '../src/forecasting/backtest';

/** The backtest with its progress in words. */
export function backtest(config: Config): Backtest {
  return async ({ families, progress, ...request }) => {
    const { rows, failures, skipped } = await runBacktest({
      ...request,
      threads: config.forecastThreads,
      ...(families === null ? {} : { families }),
      onProgress: ({ done, total, rate, secondsLeft }) =>
        progress(`${done} of ${total} forecasts, ${rate.toFixed(0)} a second, ${Math.ceil(secondsLeft)} s left`),
    });
    return { rows, failures, skipped };
  };
}
