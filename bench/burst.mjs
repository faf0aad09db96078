// L14: many starts at once, then the time until all have ended: node bench/burst.mjs [starts]
import { cpus, loadavg } from 'node:os';
import { startHourlyDeployment } from './hourly-deployment.mjs';
import { load, seconds } from './hourly-market.mjs';

const { TASK_QUEUE } = load('src/domain/names.js');

const starts = Number(process.argv[2] ?? 1000);
const deployment = await startHourlyDeployment({ symbols: 1, boundaries: 0 });
try {
  const began = performance.now();
  const acknowledged = await Promise.all(
    Array.from({ length: starts }, (_, k) =>
      deployment.client.workflow.start('retention', { workflowId: `burst-${k}`, taskQueue: TASK_QUEUE, args: [{}] }),
    ),
  );
  const started = performance.now() - began;
  const ends = await Promise.allSettled(acknowledged.map((handle) => handle.result()));
  const drained = performance.now() - began;
  const done = ends.filter(({ status }) => status === 'fulfilled').length;
  console.log(`\nburst of starts  (${cpus().length} cores, load ${loadavg()[0].toFixed(1)})`);
  console.table([
    {
      starts,
      'all acknowledged, s': seconds(started),
      'all ended, s': seconds(drained),
      done,
      goal: '60 s, none lost',
    },
  ]);
  process.exitCode = done === starts ? 0 : 1;
} finally {
  await deployment.stop();
}
