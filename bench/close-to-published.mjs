// L05 L06 Close to published over simulated boundaries: node bench/close-to-published.mjs [boundaries] [symbols]
// Latency = the schedule's offset after the close + the cycle's start to its committed manifest.
import { startHourlyDeployment, timeframe } from './hourly-deployment.mjs';
import { load, OFFSET, quantile, seconds } from './hourly-market.mjs';

const { openStores } = load('temporal/stores.js');

const boundaries = Number(process.argv[2] ?? 100);
const symbols = Number(process.argv[3] ?? 5);
const deployment = await startHourlyDeployment({ symbols, boundaries });
try {
  const { config } = deployment;
  const started = performance.now();
  let published = 0;
  for await (const { result } of deployment.runs()) published += Number(result.outcome === 'published');
  const elapsed = performance.now() - started;
  const stores = await openStores(config, 'simulated');
  const runs = (await stores.state.runLog.recent(timeframe, boundaries)).filter((run) => run.end !== null);
  await stores.close();
  const cycles = runs.map((run) => run.end.firstPassAt - run.startedAt).toSorted((a, b) => a - b);
  console.log(
    JSON.stringify({
      boundaries: cycles.length,
      published,
      symbols,
      settle_seconds: config.settleMs / 1000,
      offset_seconds: OFFSET / 1000,
      cycle_seconds: {
        p50: seconds(quantile(cycles, 0.5)),
        p95: seconds(quantile(cycles, 0.95)),
        max: seconds(cycles.at(-1)),
      },
      close_to_published_seconds: {
        p50: seconds(OFFSET + quantile(cycles, 0.5)),
        p95: seconds(OFFSET + quantile(cycles, 0.95)),
        max: seconds(OFFSET + cycles.at(-1)),
      },
      cycles_a_second: Number((cycles.length / (elapsed / 1000)).toFixed(2)),
    }),
  );
} finally {
  await deployment.stop();
}
