/** Mirrors the model registry to MLflow once a minute while a worker runs. An outage is logged and caught up later. */
import type { Logger } from 'pino';
import { mirrorToMlflow } from '../src/adapters/mlflow/mlflow-mirror';
import type { Config } from '../src/config/config';
import { MINUTE } from '../src/domain/timeframe';
import type { ModelRegistry } from '../src/ports/model-registry';

/** Starts at once, where MLFLOW_TRACKING_URI is set; the returned function stops it and waits for a round under way. */
export function startTrackingMirror(config: Config, registry: ModelRegistry, log: Logger): () => Promise<void> {
  const url = config.mlflowTrackingUri;
  if (url === null) return async () => {};
  let round: Promise<void> | null = null;
  let answers = true;
  const mirror = async (): Promise<void> => {
    try {
      await mirrorToMlflow(url, registry, config.timeframes);
      answers = true;
    } catch (error) {
      if (answers) log.warn({ error: String(error) }, 'MLflow is not reached; what is due is sent when it is');
      answers = false;
    }
    round = null;
  };
  const tick = (): void => {
    round ??= mirror();
  };
  tick();
  const timer = setInterval(tick, MINUTE);
  return async () => {
    clearInterval(timer);
    await round;
  };
}
