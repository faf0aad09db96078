/** Ports for servers of other programs: a default moves on when taken, a chosen one does not. */
import { createServer } from 'node:net';
import { PipelineError } from '../src/domain/errors';
import { portHolder } from '../src/web/port-holder';

const PORTS_TRIED = 50;

/** @throws PipelineError `invalid_input` that names who holds a port that was set explicitly. */
export async function choosePort(port: number, explicit: boolean, variable: string): Promise<number> {
  if (await isFree(port)) return port;
  if (explicit) {
    const holder = portHolder(port);
    const who = holder === null ? 'another program' : `process ${holder.pid} (${holder.command})`;
    throw new PipelineError(
      'invalid_input',
      `${variable}: port ${port} is taken by ${who}; stop it or set ${variable} to another port`,
    );
  }
  for (let next = port + 1; next <= Math.min(65_535, port + PORTS_TRIED); next++) if (await isFree(next)) return next;
  throw new PipelineError(
    'invalid_input',
    `${variable}: ports ${port} to ${port + PORTS_TRIED} are all taken; set ${variable} to a free one`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
