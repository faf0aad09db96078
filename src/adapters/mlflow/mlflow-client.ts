/** The calls of MLflow's REST API 2.0 that the mirror needs. Answers are parsed; what MLflow adds is dropped. */
import { z } from 'zod';
import { PipelineError } from '../../domain/errors';

/** Nobody waits for it, and MLflow can be slow to its first answers. */
const TIME_LIMIT_MS = 60_000;

const runSchema = z.object({
  info: z.object({ run_id: z.string(), artifact_uri: z.string(), status: z.string() }),
  data: z.object({ tags: z.array(z.object({ key: z.string(), value: z.string() })).optional() }).optional(),
});
export type MlflowRun = z.output<typeof runSchema>;

export interface NewRun {
  readonly experiment: string;
  readonly name: string;
  readonly startedAt: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RunContent {
  readonly at: number;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
}

/** As MLflow writes `{key, value}` lists. */
function pairs(of: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(of).map(([key, value]) => ({ key, value }));
}

export class MlflowClient {
  constructor(private readonly base: string) {}

  /** The experiment's ID; made when there is none. */
  async experiment(name: string): Promise<string> {
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const found = await this.#call('GET', query, undefined, ['RESOURCE_DOES_NOT_EXIST']);
    if (found !== null) {
      return z.object({ experiment: z.object({ experiment_id: z.string() }) }).parse(found).experiment.experiment_id;
    }
    const made = await this.#call('POST', 'experiments/create', { name });
    return z.object({ experiment_id: z.string() }).parse(made).experiment_id;
  }

  /** The newest runs with that tag. */
  async runsWithTag(experiment: string, tag: string, limit: number): Promise<MlflowRun[]> {
    const body = {
      experiment_ids: [experiment],
      filter: `tags.\`${tag}\` != ''`,
      max_results: limit,
      order_by: ['attributes.start_time DESC'],
    };
    const answer = await this.#call('POST', 'runs/search', body);
    return z.object({ runs: z.array(runSchema).default([]) }).parse(answer).runs;
  }

  /** It is running until {@link endRun}. */
  async createRun(run: NewRun): Promise<MlflowRun> {
    const answer = await this.#call('POST', 'runs/create', {
      experiment_id: run.experiment,
      run_name: run.name,
      start_time: run.startedAt,
      tags: pairs(run.tags),
    });
    return z.object({ run: runSchema }).parse(answer).run;
  }

  /** The same content again changes nothing. */
  async logContent({ info }: MlflowRun, { at, params, metrics: values }: RunContent): Promise<void> {
    const metrics = Object.entries(values).map(([key, value]) => ({ key, value, timestamp: at, step: 0 }));
    await this.#call('POST', 'runs/log-batch', { run_id: info.run_id, metrics, params: pairs(params), tags: [] });
  }

  async endRun({ info }: MlflowRun, status: 'FINISHED' | 'FAILED', at: number): Promise<void> {
    await this.#call('POST', 'runs/update', { run_id: info.run_id, status, end_time: at });
  }

  /** Only where the server keeps artifacts itself (`mlflow-artifacts:`); false elsewhere. */
  async uploadArtifact({ info }: MlflowRun, name: string, text: string): Promise<boolean> {
    const path = /^mlflow-artifacts:\/+(?:[^/]*\/)??(.+)$/.exec(info.artifact_uri)?.[1];
    if (path === undefined) return false;
    await this.#send('PUT', `mlflow-artifacts/artifacts/${path}/${name}`, text);
    return true;
  }

  async registerModel(name: string): Promise<void> {
    await this.#call('POST', 'mlflow/registered-models/create', { name }, ['RESOURCE_ALREADY_EXISTS']);
  }

  /** Versions of a registered model, by the value of one of their tags. */
  async versionsByTag(name: string, tag: string): Promise<Map<string, string>> {
    const filter = encodeURIComponent(`name='${name}'`);
    const answer = await this.#call('GET', `model-versions/search?filter=${filter}&max_results=1000`);
    const tags = z.array(z.object({ key: z.string(), value: z.string() })).default([]);
    const schema = z.object({ model_versions: z.array(z.object({ version: z.string(), tags })).default([]) });
    return new Map(
      schema.parse(answer).model_versions.flatMap(({ version, tags: all }) => {
        const own = all.find(({ key }) => key === tag)?.value;
        return own === undefined ? [] : [[own, version] as const];
      }),
    );
  }

  async createVersion(name: string, run: MlflowRun, tags: Readonly<Record<string, string>>): Promise<string> {
    const answer = await this.#call('POST', 'model-versions/create', {
      name,
      source: `${run.info.artifact_uri}/model`,
      run_id: run.info.run_id,
      tags: pairs(tags),
    });
    return z.object({ model_version: z.object({ version: z.string() }) }).parse(answer).model_version.version;
  }

  async setAlias(name: string, alias: string, version: string): Promise<void> {
    await this.#call('POST', 'registered-models/alias', { name, alias, version });
  }

  /** One that is not there is no error. */
  async removeAlias(name: string, alias: string): Promise<void> {
    await this.#call('DELETE', 'registered-models/alias', { name, alias }, ['RESOURCE_DOES_NOT_EXIST']);
  }

  /** Null when MLflow answers one of the tolerated error codes. */
  async #call(method: string, path: string, body?: object, tolerated: readonly string[] = []): Promise<unknown> {
    const full = path.startsWith('mlflow/') ? path : `mlflow/${path}`;
    const { status, text } = await this.#send(
      method,
      full,
      body === undefined ? undefined : JSON.stringify(body),
      true,
    );
    if (status < 300) return JSON.parse(text === '' ? '{}' : text) as unknown;
    const code = z.object({ error_code: z.string() }).safeParse(jsonOf(text)).data?.error_code ?? '';
    if (tolerated.includes(code)) return null;
    throw new PipelineError(
      'tracker_unavailable',
      `MLflow answered ${status} ${code} to ${method} ${path.split('?')[0]}`,
    );
  }

  async #send(
    method: string,
    path: string,
    body: string | undefined,
    anyStatus = false,
  ): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const answer = await fetch(new URL(`api/2.0/${path}`, `${this.base.replace(/\/$/, '')}/`), {
        method,
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
        signal: AbortSignal.timeout(TIME_LIMIT_MS),
        redirect: 'error',
      });
      const text = await answer.text();
      if (!anyStatus && !answer.ok) throw new Error(`status ${answer.status}`);
      return { status: answer.status, text };
    } catch (cause) {
      throw new PipelineError(
        'tracker_unavailable',
        `MLflow does not answer ${method} ${path.split('?')[0]}: ${String(cause)}`,
        {
          cause,
        },
      );
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
