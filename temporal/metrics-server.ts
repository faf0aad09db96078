/** The worker's own `/metrics`. The worker answers nothing else over HTTP. */
import type { Logger } from 'pino';
import type { DeploymentMetrics } from '../src/adapters/prometheus/deployment-metrics';
import { createApp } from '../src/web/app';
import { OPS_JSON_HEADERS } from '../src/web/headers';
import { listen } from '../src/web/listening';
import type { PortChoice } from '../src/web/listening';

export interface RunningMetrics {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws PipelineError `invalid_input` when a port that was set explicitly is taken. */
export async function serveMetrics(
  metrics: DeploymentMetrics,
  choice: PortChoice,
  log: Logger,
): Promise<RunningMetrics> {
  const app = createApp({ audience: 'operators', logger: log });
  app.get('/metrics', async (_request, reply) => {
    reply.headers({ ...OPS_JSON_HEADERS, 'content-type': metrics.contentType });
    return reply.send(await metrics.text());
  });
  const url = `${await listen(app, choice)}/metrics`;
  return { url, close: () => app.close() };
}
