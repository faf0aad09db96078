// npm run load: the public server beside nginx on the same files, in turns (ABAB), by medians, while a new generation is
// published each second. Bodies are checked against their hashes: all in a run of its own, a sample of them under load.
// SECONDS (5), TURNS (3), CONNECTIONS (32) change the size of it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { client, fire as load } from './load-client.mjs';
import { adopt, ask, endServed, mix, startServed } from './load-setup.mjs';

const SECONDS = Number(process.env.SECONDS ?? 5);
const TURNS = Number(process.env.TURNS ?? 3);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 32);
const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path)) ?? null;
const faults = [];

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const sha256 = (body) => createHash('sha256').update(body).digest('hex');

/** Processor seconds that a process and its children have used (Linux); null where that can not be told. */
function processorSeconds(pid) {
  try {
    const own = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    // In ticks of a hundredth of a second.
    return children.reduce((sum, child) => sum + processorSeconds(child), (Number(own[11]) + Number(own[12])) / 100);
  } catch {
    return null;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** nginx as one would set it up for these files: precompressed, cached descriptors, the same headers, one worker. */
async function startNginx(folder) {
  const port = await freePort();
  const headers = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'cross-origin',
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'ETag',
    'cache-control': 'no-cache, must-revalidate',
    vary: 'Accept-Encoding',
  };
  mkdirSync(join(folder, 'peer', 'status'), { recursive: true });
  writeFileSync(
    join(folder, 'nginx.conf'),
    `
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 100000000;
  open_file_cache max=2000 inactive=60s; open_file_cache_valid 1s; open_file_cache_min_uses 1;
  gzip_static on; etag on;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  types { application/json json; }
  default_type application/json;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/peer;
    ${Object.entries(headers)
      .map(([name, value]) => `add_header ${name} "${value}";`)
      .join('\n    ')}
  }
}
`,
  );
  const child = spawn(NGINX, ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  adopt(child);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 50; tries++) {
    if (
      await fetch(`${url}/static/manifest.json`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return { url, pid: child.pid };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('nginx does not answer');
}

const unpack = { gzip: gunzipSync, br: brotliDecompressSync };

/** Asks for a document and checks its body against the hash in its tag. */
async function checkBody(url, path, encoding) {
  const { status, headers, body } = await ask(url, path, { 'accept-encoding': encoding });
  if (status !== 200) return faults.push(`${path} answered ${status}`);
  const plain = unpack[headers['content-encoding']]?.(body) ?? body;
  if (path.startsWith('/status/')) JSON.parse(plain);
  else if (!/^"[0-9a-f]{64}"$/.test(headers.etag)) JSON.parse(plain);
  else if (`"${sha256(plain)}"` !== headers.etag) faults.push(`${path} (${encoding}) is not what its tag says`);
  return undefined;
}

async function fire({ folder, url, pid }, paths, headers = {}) {
  const ended = new AbortController();
  const sampled = (async () => {
    for (let k = 0; !ended.signal.aborted; k++) {
      await checkBody(url, paths[(k * 13) % paths.length], 'gzip').catch((error) => faults.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const before = processorSeconds(pid);
  const asked = { 'accept-encoding': 'gzip', ...headers };
  const { requests, rate, p50, p99, bytes, bad, broken } = await load({
    url,
    paths,
    headers: asked,
    connections: CONNECTIONS,
    seconds: SECONDS,
    folder,
  });
  const used = processorSeconds(pid) - before;
  ended.abort();
  await sampled;
  if (broken > 0) faults.push(`${broken} requests of ${url} had no answer`);
  if (bad > 0) faults.push(`${bad} answers of ${url} were errors`);
  return { rate, p50, p99, megabytes: bytes / 1e6, cpu: (used * 1e6) / requests };
}

async function inTurns(title, servers, paths, headers) {
  const runs = servers.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [k, server] of servers.entries()) runs[k].push(await fire(server, paths, headers));
  }
  return servers.map(({ name }, k) => {
    const of = (figure) => median(runs[k].map((run) => run[figure]));
    return {
      mix: title,
      server: name,
      requests_a_second: Math.round(of('rate')),
      p50_ms: Number(of('p50').toFixed(1)),
      p99_ms: Number(of('p99').toFixed(1)),
      megabytes_a_second: Math.round(of('megabytes')),
      cpu_us_a_request: Math.round(of('cpu')),
    };
  });
}

async function correctness(url, names) {
  const paths = mix(names, { status: 1, manifest: 3, history: 2, prediction: 1 });
  let next = 0;
  const until = 3000;
  const readers = Array.from({ length: 16 }, async () => {
    while (next < until) {
      const k = next++;
      await checkBody(url, paths[k % paths.length], ['br', 'gzip', 'identity'][k % 3]);
    }
  });
  await Promise.all(readers);
  return until;
}

try {
  console.log(
    `${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, ${client} with ${CONNECTIONS} connections, ${SECONDS} s a turn, ${TURNS} turns, one new generation a second`,
  );
  const served = await startServed();
  const { folder, names } = served;
  const ours = { ...served, name: 'coin-predict' };
  console.log(`every body checked: ${await correctness(ours.url, names)} answers, ${faults.length} faults`);
  const servers = [ours];
  if (NGINX === null) console.log('nginx is not installed: there is nothing to compare with');
  else servers.push({ name: 'nginx', folder, ...(await startNginx(folder)) });
  const stable = '/static/history_BTC_USDT_1d.json';
  const { headers } = await ask(ours.url, stable);
  const peerTag = NGINX === null ? '' : (await ask(servers[1].url, stable, { 'accept-encoding': 'gzip' })).headers.etag;
  const tags = { 'if-none-match': [headers.etag, peerTag].filter(Boolean).join(', ') };
  const rows = [
    ...(await inTurns(
      'static: manifest 3, history 2, prediction 1',
      servers,
      mix(names, { manifest: 3, history: 2, prediction: 1 }),
    )),
    ...(await inTurns(
      'baseline: status 4, manifest 3, history 2, prediction 1',
      [ours],
      mix(names, { status: 4, manifest: 3, history: 2, prediction: 1 }),
    )),
    ...(await inTurns(
      'stress: status 5, manifest 4, history 3',
      [ours],
      mix(names, { status: 5, manifest: 4, history: 3 }),
    )),
    ...(await inTurns('one history, 200', servers, [stable])),
    ...(await inTurns('one history, 304', servers, [stable], tags)),
  ];
  console.table(rows);
  const rateOf = (title, server) =>
    rows.find((row) => row.mix.startsWith(title) && row.server === server)?.requests_a_second;
  const ratio = (a, b) => (b === undefined ? 'n/a' : (a / b).toFixed(2));
  console.log(`static, coin-predict / nginx: ${ratio(rateOf('static', 'coin-predict'), rateOf('static', 'nginx'))}`);
  const cpuOf = (server) => rows.find((row) => row.mix.startsWith('static') && row.server === server)?.cpu_us_a_request;
  console.log(
    `static, requests a processor second, coin-predict / nginx: ${ratio(cpuOf('nginx'), cpuOf('coin-predict'))}`,
  );
  console.log(
    `304 / 200 of coin-predict: ${ratio(rateOf('one history, 304', 'coin-predict'), rateOf('one history, 200', 'coin-predict'))}`,
  );
  console.log(
    faults.length === 0
      ? 'no fault: every sampled body was what its tag says'
      : `FAULTS: ${faults.length}\n${faults.slice(0, 10).join('\n')}`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await endServed();
}
