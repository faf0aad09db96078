// L13: a step of three times what the public server can answer, and how soon it is as before: npm run bench -- overload.
// The client does not wait for answers (open-loop.mjs). SECONDS (10) is the length of the step.
import { cpus, loadavg } from 'node:os';
import { fire } from './load-client.mjs';
import { endServed, mix, startServed } from './load-setup.mjs';
import { OpenLoop } from './open-loop.mjs';

const SECONDS = Number(process.env.SECONDS ?? 10);
const NORMAL = 0.2;
const OVERLOAD = 3;

const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];
const p99 = ({ latencies }) => quantile(latencies, 0.99) ?? Number.POSITIVE_INFINITY;

try {
  const { url, names, folder } = await startServed();
  const paths = mix(names, { status: 4, manifest: 3, history: 2, prediction: 1 });
  const { rate } = await fire({
    url,
    paths,
    headers: { 'accept-encoding': 'gzip' },
    connections: 32,
    seconds: 5,
    folder,
  });
  console.log(
    `${cpus().length} cores, load ${loadavg()[0].toFixed(1)}; answers a second with 32 connections: ${Math.round(rate)}`,
  );
  const client = new OpenLoop(url, paths);
  const phases = [
    ['before', NORMAL, SECONDS],
    ['overload', OVERLOAD, SECONDS],
    ['after', NORMAL, SECONDS],
  ];
  const figures = {};
  for (const [name, share, seconds] of phases) figures[name] = await client.run(share * rate, seconds);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  client.close();
  const rows = phases.flatMap(([phase]) =>
    figures[phase]().map(({ latencies, ...counts }, k) => ({
      phase,
      second: k + 1,
      ...counts,
      p50_ms: Math.round(quantile(latencies, 0.5) ?? NaN),
      p99_ms: Math.round(p99({ latencies })),
    })),
  );
  console.table(rows);
  // The first second opens the connections.
  const normal = quantile(figures.before().slice(1).map(p99), 0.5);
  const bound = Math.max(20, 2 * normal);
  const after = figures.after().findIndex((second) => p99(second) <= bound && second.shed === 0);
  const step = figures.overload();
  const sum = (figure) => step.reduce((total, second) => total + second[figure], 0);
  console.log(
    `at ${OVERLOAD} times the capacity: ${sum('offered')} offered, ${sum('ok')} answered, ${sum('shed')} told to come back (503, Retry-After), ` +
      `${sum('turnedAway')} found no connection, ${sum('lost')} lost, ${sum('other')} other answers`,
  );
  console.log(
    after < 0
      ? `NOT RECOVERED within ${SECONDS} s`
      : `p99 before ${normal.toFixed(1)} ms; again within ${bound.toFixed(1)} ms in second ${after + 1} after the step (L13: 5)`,
  );
  process.exitCode = after >= 0 && after < 5 && sum('shed') > 0 && sum('other') === 0 ? 0 : 1;
} finally {
  await endServed();
}
