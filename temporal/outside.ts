/** Whom the monitor of a deployment reaches: receivers of alerts, the heartbeat, the public server it probes. */
import { createHttpProbe } from '../src/adapters/probe/http-probe';
import { createHeartbeat, createNotifiers } from '../src/adapters/webhook/notifiers';
import type { Config } from '../src/config/config';
import { systemClock } from '../src/ports/clock';
import type { Outside } from './activity-ports';
import { readRunning } from './source';

export function outsideOf(config: Config): Outside {
  const { alerts } = config;
  const policy = { allowedHosts: alerts.allowedHosts };
  return {
    notifiers: createNotifiers({ ...alerts, policy, clock: systemClock }),
    heartbeat: createHeartbeat(alerts.heartbeat, policy),
    probe: createHttpProbe({ url: async () => config.probeUrl ?? (await webOfDeployment(config)) }),
  };
}

async function webOfDeployment(config: Config): Promise<string | null> {
  const found = await readRunning(config.dataDir);
  return found !== null && found.alive ? found.running.webUrl : null;
}
