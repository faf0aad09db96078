// The public server of one folder, as the program runs it; its address goes to stdout. Ends with its stdin.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const { serveWeb } = require(join(root, 'dist', 'src', 'web', 'serve-web.js'));
const { systemClock } = require(join(root, 'dist', 'src', 'ports', 'clock.js'));

const [publicDir, opsDir] = process.argv.slice(2);
const port = { host: '127.0.0.1', port: 0, explicit: true };
const running = await serveWeb({
  publicDir,
  opsDir,
  source: 'simulated',
  live: false,
  clock: systemClock,
  pageDir: join(root, 'dist', 'page'),
  opsPageDir: join(root, 'dist', 'ops-page'),
  schemasDir: join(root, 'docs', 'schemas'),
  web: { ...port, variable: 'WEB_PORT' },
  ops: { ...port, variable: 'OPS_PORT' },
});
console.log(running.url);
process.stdin.resume().on('end', () => void running.close());
