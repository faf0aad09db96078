// The two clients that load a server over kept connections: wrk where it is installed, since it leaves the processor to the
// server, else autocannon, which decodes each body into a string and is then what is measured. WRK names another wrk.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import autocannon from 'autocannon';

const WRK = process.env.WRK ?? 'wrk';

/** The client to use: `wrk` or `autocannon`. */
export const client = spawnSync(WRK, ['--version']).error === undefined ? 'wrk' : 'autocannon';

/**
 * Asks for the paths in turns for so many seconds.
 * @param load `{ url, paths, headers, connections, seconds, folder }`; the folder takes a script
 * @returns `{ requests, rate, p50, p99, bytes, bad, broken }`: rate and bytes a second, times in milliseconds, answers that
 *   were errors, requests without an answer
 */
export async function fire(load) {
  return client === 'wrk' ? fireWrk(load) : fireAutocannon(load);
}

async function fireAutocannon({ url, paths, headers, connections, seconds }) {
  const requests = paths.map((path) => ({ path, method: 'GET' }));
  const result = await autocannon({ url, connections, duration: seconds, requests, headers });
  return {
    requests: result.requests.total,
    rate: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    bytes: result.throughput.average,
    bad: result['4xx'] + result['5xx'],
    broken: result.errors + result.timeouts,
  };
}

const quoted = (text) => JSON.stringify(text);

/** Requests are made once, before the load; the figures come out as one line of JSON. */
function wrkScript(paths, headers) {
  const named = Object.entries(headers).map(([name, value]) => `[${quoted(name)}] = ${quoted(value)}`);
  return `
local paths = { ${paths.map(quoted).join(', ')} }
local requests, next = {}, 0
function init()
  for k, path in ipairs(paths) do requests[k] = wrk.format("GET", path, { ${named.join(', ')} }) end
end
function request()
  next = next % #requests + 1
  return requests[next]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"bytes":%d,"p50":%f,"p99":%f,"bad":%d,"broken":%d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
`;
}

async function fireWrk({ url, paths, headers, connections, seconds, folder }) {
  const script = join(folder, 'load.lua');
  writeFileSync(script, wrkScript(paths, headers));
  const size = ['--connections', String(connections), '--threads', '1', '--duration', `${seconds}s`];
  const child = spawn(WRK, [...size, '--script', script, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`wrk ended with ${code}`);
  const { us, bytes, ...figures } = JSON.parse(said.split('\n').find((line) => line.startsWith('{')));
  return { ...figures, rate: (figures.requests * 1e6) / us, bytes: (bytes * 1e6) / us };
}
