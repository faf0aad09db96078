/** F08 P15: a Temporal server without a database file is refused before anything rests on it. */
import { spawn } from 'node:child_process';
import { ConfigError } from '../../../src/config/config-error';
import { refuseForgetful } from '../../../temporal/durable-server';
import { freePort } from '../../free-port';

const LISTENS =
  "require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1', () => process.send('up'))";

/** A process that listens and was started with these words. */
async function listening(words: readonly string[], work: (port: number) => Promise<void>): Promise<void> {
  const port = await freePort();
  const child = spawn(process.execPath, ['-e', LISTENS, '--', String(port), ...words], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await new Promise((resolve) => child.once('message', resolve));
  try {
    await work(port);
  } finally {
    child.kill('SIGKILL');
  }
}

test('a development server that keeps everything in memory is refused, with the variable and the mend', async () => {
  await listening(['temporal', 'server', 'start-dev', '--headless'], async (port) => {
    const refused = refuseForgetful(`127.0.0.1:${port}`);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
    await expect(refused).rejects.toThrow(/TEMPORAL_ADDRESS: .*in memory.*--db-filename FILE/);
  });
});

test.each([
  ['one with a file', ['temporal', 'server', 'start-dev', '--db-filename', '/somewhere/temporal.db']],
  ['one with a file, in the short form', ['temporal', 'server', 'start-dev', '-f=/somewhere/temporal.db']],
  ['another server', ['temporal-server', '--env', 'production', 'start']],
])('%s is taken', async (_, words) => {
  await listening(words, async (port) => {
    await refuseForgetful(`localhost:${port}`);
  });
});

test('what is on another machine, or not up yet, can not be seen', async () => {
  await refuseForgetful('temporal.example:7233');
  await refuseForgetful(`127.0.0.1:${await freePort()}`);
});
