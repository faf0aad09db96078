// node scripts/influxd.mjs [--look]: prints the path of an influxd 2.7, getting one when there is none; --look gets nothing.
// Plain Node, so that the tests can start it before anything is built.
import { execFile } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The version the project is tested with, and the build tools it names. */
const VERSION = '2.7.12';
const PKG_CONFIG = 'github.com/influxdata/pkg-config@v0.2.14';
const STREAMING_SERVER = 'v0.11.3-0.20201112040610-c277f7560803';

const cached = join(root, '.cache', `influxd-${VERSION}`, 'influxd');
const building = `${cached}.building`;

/** In order: INFLUXD_BIN, PATH, what was got before, the vendor's download, a build of its Go module. Null: none. */
export async function findInfluxd({ get, tell }) {
  const configured = process.env.INFLUXD_BIN;
  if (configured !== undefined && configured !== '') {
    if (await works(configured)) return configured;
    throw new Error(`INFLUXD_BIN is "${configured}", which is no influxd 2.7: set it to the path of one`);
  }
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'influxd'));
  for (const candidate of [...onPath.filter((path) => existsSync(path)), cached])
    if (await works(candidate)) return candidate;
  if (!get) return null;
  return whileNobodyElseDoes(async () => {
    if (await works(cached)) return cached;
    const failures = [];
    for (const { name, getIt } of WAYS) {
      tell(`getting influxd ${VERSION} from ${name} …`);
      try {
        await inScratchFolder(getIt);
        if (await works(cached)) return cached;
        failures.push(`${name}: what came does not run`);
      } catch (error) {
        failures.push(
          `${name}: ${String(error.stderr || error.message)
            .trim()
            .split('\n')
            .at(-1)}`,
        );
      }
    }
    tell(`no influxd on PATH and none could be got (${failures.join('; ')}): install InfluxDB 2.7 and set INFLUXD_BIN`);
    return null;
  });
}

const WAYS = [
  { name: "the vendor's download", getIt: download },
  { name: 'its Go module, which takes minutes', getIt: build },
];

async function works(path) {
  try {
    const { stdout } = await run(path, ['version'], { timeout: 30_000 });
    return /InfluxDB v?2\.7/.test(stdout);
  } catch {
    return false;
  }
}

/** One process gets it, others wait for that one. */
async function whileNobodyElseDoes(work) {
  await mkdir(dirname(building), { recursive: true });
  for (;;) {
    try {
      await (await open(building, 'wx')).close();
      break;
    } catch {
      const owner = Number(await readFile(building, 'utf8').catch(() => ''));
      if (owner > 0 && !isAlive(owner)) await rm(building, { force: true });
      await delay(500);
    }
  }
  try {
    await writeFile(building, String(process.pid));
    return await work();
  } finally {
    await rm(building, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Works beside the target and renames at the end, so that half of it never counts as one. */
async function inScratchFolder(getIt) {
  const scratch = await mkdtemp(join(dirname(cached), 'get-'));
  try {
    const executable = await getIt(scratch);
    await chmod(executable, 0o755);
    await rename(executable, cached);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(scratch) {
  const name = `influxdb2-${VERSION}_${platform()}_${arch() === 'x64' ? 'amd64' : arch()}.tar.gz`;
  const url = `https://dl.influxdata.com/influxdb/releases/${name}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!answer.ok || answer.body === null) throw new Error(`${url} answered ${answer.status}`);
  const archive = join(scratch, name);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(archive));
  await run('tar', ['-xf', archive, '-C', scratch], { timeout: 120_000 });
  const entries = await readdir(scratch, { recursive: true, withFileTypes: true });
  const found = entries.find((entry) => entry.isFile() && entry.name === 'influxd');
  if (found === undefined) throw new Error('the archive holds no influxd');
  return join(found.parentPath, found.name);
}

/** Needs go, clang and a Rust toolchain: Flux is written in Rust and is compiled with it, its old lints silenced. */
async function build(scratch) {
  const wrapper = join(scratch, 'rustc-wrapper');
  await writeFile(wrapper, '#!/bin/sh\nexec "$@" --cap-lints warn\n', { mode: 0o755 });
  await writeFile(
    join(scratch, 'main.go'),
    'package main\n\nimport _ "github.com/influxdata/influxdb/v2/cmd/influxd"\n\nfunc main() {}\n',
  );
  await writeFile(
    join(scratch, 'go.mod'),
    [
      'module influxd-build',
      'go 1.23.0',
      `require github.com/influxdata/influxdb/v2 v${VERSION}`,
      `replace github.com/nats-io/nats-streaming-server v0.11.2 => github.com/influxdata/nats-streaming-server ${STREAMING_SERVER}`,
      '',
    ].join('\n'),
  );
  // The sources name an old toolchain, which rustup would try to fetch.
  const toolchain = await run('rustup', ['show', 'active-toolchain']).then(
    ({ stdout }) => ({ RUSTUP_TOOLCHAIN: stdout.split(/\s/)[0] }),
    () => ({}),
  );
  const environment = {
    ...process.env,
    ...toolchain,
    GOBIN: scratch,
    GOFLAGS: '-mod=mod -buildvcs=false',
    PKG_CONFIG: join(scratch, 'pkg-config'),
    RUSTC_WRAPPER: wrapper,
  };
  const options = { cwd: scratch, env: environment, timeout: 1_500_000, maxBuffer: 1e8 };
  await run('go', ['install', PKG_CONFIG], { ...options, env: { ...environment, GOFLAGS: '-buildvcs=false' } });
  const executable = join(scratch, 'influxd');
  const flags = ['-ldflags', `-s -w -X main.version=v${VERSION}`, '-o', executable];
  await run('nice', ['-n', '10', 'go', 'build', ...flags, 'github.com/influxdata/influxdb/v2/cmd/influxd'], options);
  return executable;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const tell = (line) => void process.stderr.write(`${line}\n`);
    const path = await findInfluxd({ get: !process.argv.includes('--look'), tell });
    if (path === null) process.exitCode = 4;
    else console.log(path);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 3;
  }
}
