// L10 Does a worker that runs for long grow? node bench/soak.mjs [boundaries] [symbols]
// Cycles follow each other without a pause; memory, file descriptors and write-ahead logs of the worker are looked at after each,
// and a line is laid through those of the last two thirds.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { startHourlyDeployment } from './hourly-deployment.mjs';

const boundaries = Number(process.argv[2] ?? 500);
const symbols = Number(process.argv[3] ?? 5);
const MEGABYTE = 1024 * 1024;

const residentMegabytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const logMegabytes = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('-wal'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0) / MEGABYTE;

/** Least squares: y for each unit of x. */
function slope(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const above = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return above / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const deployment = await startHourlyDeployment({ symbols, boundaries });
try {
  const samples = [];
  const started = performance.now();
  for await (const { result } of deployment.runs()) {
    samples.push({
      minutes: (performance.now() - started) / 60_000,
      memory: residentMegabytes(deployment.workerPid),
      files: readdirSync(`/proc/${deployment.workerPid}/fd`).length,
      log: logMegabytes(deployment.dataDir),
      outcome: result.outcome,
    });
    if (samples.length % 50 === 0)
      console.error(`${samples.length} of ${boundaries} cycles, ${samples.at(-1).memory.toFixed(0)} MB`);
  }
  const settled = samples.slice(Math.floor(samples.length / 3));
  const growth = (of) => slope(settled.map((sample, place) => [place, of(sample)]));
  const most = (of) => Math.max(...settled.map(of));
  const row = (what, of, goal) => ({
    what,
    first: of(settled[0]).toFixed(1),
    last: of(settled.at(-1)).toFixed(1),
    most: most(of).toFixed(1),
    'a cycle': growth(of).toFixed(3),
    goal,
  });
  console.log(
    `\nsoak: ${samples.length} cycles of ${symbols} pairs in ${samples.at(-1).minutes.toFixed(1)} minutes, ` +
      `${samples.filter(({ outcome }) => outcome === 'published').length} published  (${cpus().length} cores, load ${loadavg()[0].toFixed(1)})`,
  );
  console.table([
    row('worker memory, MB', ({ memory }) => memory, 'below 1 MB, an hour being a minute'),
    row('open files', ({ files }) => files, 'flat'),
    row('write-ahead logs, MB', ({ log }) => log, 'bounded'),
  ]);
} finally {
  await deployment.stop();
}
