/** Which port a server ends up on: a default moves on when taken, a chosen one does not. */
import type { FastifyInstance } from 'fastify';
import { PipelineError } from '../domain/errors';
import { portHolder } from './port-holder';

export interface PortChoice {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** True when the operator set this port: then no other will do. */
  readonly explicit: boolean;
  /** Variable to name in the error, e.g. `WEB_PORT`. */
  readonly variable: string;
}

/** How many ports after the default are tried. */
const PORTS_TRIED = 50;

/**
 * Binds the server and returns its address, e.g. `http://127.0.0.1:8080`.
 * @throws PipelineError `invalid_input` that names who holds the port when it was set explicitly and is taken.
 */
export async function listen(app: FastifyInstance, choice: PortChoice): Promise<string> {
  const attempts = choice.explicit || choice.port === 0 ? 1 : PORTS_TRIED;
  for (let offset = 0; offset < attempts && choice.port + offset <= 65_535; offset++) {
    try {
      return await bind(app, choice.host, choice.port + offset);
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw unusable(choice, error);
    }
  }
  throw new PipelineError('invalid_input', takenSentence(choice, attempts));
}

async function bind(app: FastifyInstance, host: string, port: number): Promise<string> {
  await app.listen({ host, port });
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown reason';
}

function unusable(choice: PortChoice, cause: unknown): PipelineError {
  const sentence = `${choice.variable}: ${choice.host} port ${choice.port} can not be listened on (${codeOf(cause)}); choose another`;
  return new PipelineError('invalid_input', sentence, { cause });
}

function takenSentence(choice: PortChoice, attempts: number): string {
  if (attempts > 1) {
    return `${choice.variable}: ports ${choice.port} to ${choice.port + attempts - 1} are all taken; set ${choice.variable} to a free one`;
  }
  const holder = portHolder(choice.port);
  const who = holder === null ? 'unknown' : `process ${holder.pid} (${holder.command})`;
  return `${choice.variable}: port ${choice.port} is taken by ${who}; stop it or set ${choice.variable} to another port`;
}
