/** Both servers, listening. Wiring (what reads the folder, which ports) is given; nothing here reads the environment. */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { listen, type PortChoice } from './listening';
import { buildOps } from './ops-server';
import { isLoopbackHost } from '../config/contradictions';
import { buildWeb, type WebOptions } from './public-server';
import { createWebMetrics } from './web-metrics';

export interface ServeOptions extends WebOptions {
  readonly web: PortChoice;
  readonly ops: PortChoice;
  readonly opsPageDir?: string;
  readonly opsSchemasDir?: string;
  /** Asked of every reader of the ops server when set. */
  readonly opsToken?: string | null;
}

export interface RunningWeb {
  readonly url: string;
  readonly opsUrl: string;
  /** Stops taking connections and waits for the answers under way. */
  close(): Promise<void>;
}

/**
 * Starts the public and the ops server; when the second can not start the first is stopped again.
 * @throws PipelineError `invalid_input` when a port that was set explicitly is taken, with the name of its holder.
 */
export async function serveWeb(options: ServeOptions): Promise<RunningWeb> {
  const metrics = createWebMetrics(true);
  const web = buildWeb({ ...options, metrics });
  const loopbackOnly = isLoopbackHost(options.ops.host);
  const ops = buildOps({ ...options, metrics, loopbackOnly, token: options.opsToken ?? null });
  const close = async () => {
    await Promise.all([web.close(), ops.close()]);
  };
  try {
    const url = await listenAndTell(web, options.web, options.logger);
    const opsUrl = await listenAndTell(ops, options.ops, options.logger);
    return { url, opsUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listenAndTell(app: FastifyInstance, choice: PortChoice, logger?: FastifyBaseLogger): Promise<string> {
  const url = await listen(app, choice);
  const moved = choice.port !== 0 && new URL(url).port !== String(choice.port);
  logger?.info({ url, variable: choice.variable, ...(moved ? { taken: choice.port } : {}) }, 'listening');
  return url;
}
