/**
 * The mirror against a real MLflow server (`pip install mlflow`). MLFLOW_BIN names its command; where there is none, on
 * the PATH neither, these tests are reported as skipped.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryModelRegistry } from '../../../src/adapters/memory/memory-model-registry';
import { mirrorToMlflow } from '../../../src/adapters/mlflow/mlflow-mirror';
import type { ChampionChange, LifecycleEvent } from '../../../src/ports/model-registry';
import { metadataOf } from '../../ports/model-registry-contract';
import { slot } from '../../ports/store-fixtures';
import { freePort } from '../../free-port';
import { describeUnless } from '../../possible';

const binary = [process.env.MLFLOW_BIN, 'mlflow'].find(
  (command) => command !== undefined && spawnSync(command, ['--version']).status === 0,
);
const whenInstalled = describeUnless(binary === undefined ? 'no mlflow: install it, or set MLFLOW_BIN' : null);

const { timeframe } = metadataOf('v1');
const training: LifecycleEvent = {
  key: 'training 1h run-1',
  timeframe,
  at: slot(1),
  kind: 'training',
  verdict: 'done',
  version: 'v2',
  by: 'operator',
  reason: 'naive v2 forecasts as shadow',
  criteria: [],
  facts: { duration_ms: 1500, trigger: 'by hand' },
};
const decision: LifecycleEvent = {
  ...training,
  key: 'decision 1h 1',
  kind: 'decision',
  verdict: 'KEEP',
  facts: { origins: 240 },
  criteria: [
    { name: 'p', value: 0.2, threshold: '<= 0.05', passed: false },
    { name: 'loss ratio', value: null, threshold: '<= 0.99', passed: false },
  ],
};
const first: ChampionChange = {
  timeframe,
  version: 'v1',
  previous: null,
  at: slot(1),
  kind: 'first',
  by: 'configuration',
  reason: 'CHAMPION',
};

async function registry(): Promise<MemoryModelRegistry> {
  const models = new MemoryModelRegistry();
  for (const version of ['v1', 'v2']) await models.register(metadataOf(version));
  await models.changeChampion(first);
  await models.setShadow({ timeframe, version: 'v2', since: slot(1) });
  await models.record(training);
  await models.record(decision);
  return models;
}

async function passedOn(url: string, request: IncomingMessage, answer: ServerResponse): Promise<void> {
  const body = await text(request);
  const init = { method: request.method ?? 'GET', headers: { 'content-type': 'application/json' } };
  const given = await fetch(`${url}${request.url}`, body === '' ? init : { ...init, body });
  answer.writeHead(given.status).end(await given.text());
}

whenInstalled('MLflow', () => {
  let folder: string;
  const cuts: Server[] = [];
  let url: string;
  let server: ChildProcess;

  const ask = async (path: string, body?: object): Promise<unknown> => {
    const init =
      body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return (await fetch(`${url}/api/2.0/mlflow/${path}`, init)).json();
  };
  const start = async (): Promise<void> => {
    const { port } = new URL(url);
    const stores = [
      '--backend-store-uri',
      `sqlite:///${folder}/db.sqlite`,
      '--artifacts-destination',
      join(folder, 'artifacts'),
    ];
    const args = ['server', '--host', '127.0.0.1', '--port', port, '--workers', '1', ...stores];
    server = spawn(binary ?? 'mlflow', args, { stdio: 'ignore', detached: true });
    for (let tries = 0; tries < 600; tries++) {
      if (
        await fetch(`${url}/health`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return;
      await delay(200);
    }
    throw new Error('MLflow did not start');
  };
  // It starts workers of its own: the whole group of our server ends.
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    process.kill(-(server.pid ?? 0), 'SIGTERM');
    await ended;
  };

  /** The same server by way of one that answers no request whose path holds `place`. */
  const cutAt = async (place: string): Promise<string> => {
    const cut = createServer((request, answer) => {
      if (request.url?.includes(place) === true) request.socket.destroy();
      else void passedOn(url, request, answer);
    });
    cuts.push(cut);
    const port = await freePort();
    await new Promise<void>((resolve) => cut.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${port}`;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coin-predict-mlflow-'));
    url = `http://127.0.0.1:${await freePort()}`;
    await start();
  }, 180_000);
  afterAll(async () => {
    for (const cut of cuts) cut.close();
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test('an outage throws, changes nothing, and is caught up by the next round, once', async () => {
    const models = await registry();
    await stop();
    await expect(mirrorToMlflow(url, models, [timeframe])).rejects.toMatchObject({ code: 'tracker_unavailable' });
    await start();
    expect(await mirrorToMlflow(url, models, [timeframe])).toEqual({ runs: 2, versions: 1 });
    expect(await mirrorToMlflow(url, models, [timeframe])).toEqual({ runs: 0, versions: 0 });
  }, 240_000);

  test('a training is a run with its parameters and metrics, a model a registered version with its alias', async () => {
    const { experiment } = (await ask('experiments/get-by-name?experiment_name=coin-predict')) as {
      experiment: { experiment_id: string };
    };
    const { runs } = (await ask('runs/search', { experiment_ids: [experiment.experiment_id] })) as {
      runs: {
        info: { run_id: string; status: string };
        data: { metrics: { key: string; value: number }[]; params: { key: string; value: string }[] };
      }[];
    };
    const values = runs.map(({ info, data }) => ({
      status: info.status,
      ...Object.fromEntries([...data.metrics, ...data.params].map(({ key, value }) => [key, value])),
    }));
    expect(values).toContainEqual(
      expect.objectContaining({
        status: 'FINISHED',
        timeframe: '1h',
        family: 'naive',
        model_version: 'v2',
        duration_ms: 1500,
        loss: 0.01,
      }),
    );
    // What could not be measured has no metric.
    expect(values.find((value) => 'p' in value)).not.toHaveProperty('loss_ratio');
    expect(await ask('registered-models/alias?name=coin-predict-1h&alias=shadow')).toMatchObject({
      model_version: { version: '1', tags: [{ key: 'coin_predict_version', value: 'v2' }] },
    });
    const artifacts = await Promise.all(runs.map(({ info }) => ask(`artifacts/list?run_id=${info.run_id}`)));
    expect(JSON.stringify(artifacts)).toContain('metadata.json');
  }, 60_000);

  test.each(['runs/log-batch', 'mlflow-artifacts/artifacts', 'runs/update'])(
    'a round cut short at %s is gone on with by the next one, in the same run',
    async (place) => {
      const models = await registry();
      const event = { ...training, key: `training cut at ${place}` };
      await models.record(event);
      await expect(mirrorToMlflow(await cutAt(place), models, [timeframe])).rejects.toMatchObject({
        code: 'tracker_unavailable',
      });
      expect(await mirrorToMlflow(url, models, [timeframe])).toMatchObject({ runs: 1 });
      expect(await mirrorToMlflow(url, models, [timeframe])).toMatchObject({ runs: 0 });
      const { runs } = (await ask('runs/search', {
        experiment_ids: ['1'],
        filter: `tags.coin_predict_key = '${event.key}'`,
      })) as { runs: { info: { run_id: string; status: string }; data: object }[] };
      expect(runs).toMatchObject([{ info: { status: 'FINISHED' }, data: { metrics: expect.anything() as unknown } }]);
      const kept = await ask(`artifacts/list?run_id=${runs[0]?.info.run_id}`);
      expect(JSON.stringify(kept)).toContain('metadata.json');
    },
    60_000,
  );

  test('a promotion moves the aliases', async () => {
    const models = await registry();
    await models.changeChampion({ ...first, version: 'v2', previous: 'v1', kind: 'promotion' });
    await mirrorToMlflow(url, models, [timeframe]);
    expect(await ask('registered-models/alias?name=coin-predict-1h&alias=champion')).toMatchObject({
      model_version: { version: '1' },
    });
    expect(await ask('registered-models/alias?name=coin-predict-1h&alias=shadow')).toHaveProperty('error_code');
  }, 60_000);

  test('new fits of the champion are a version of their own, and take its alias', async () => {
    const models = await registry();
    await models.register(metadataOf('v3'));
    await models.changeChampion({ ...first, version: 'v3', previous: 'v1', kind: 'refit' });
    await mirrorToMlflow(url, models, [timeframe]);
    expect(await ask('registered-models/alias?name=coin-predict-1h&alias=champion')).toMatchObject({
      model_version: { version: '2', tags: [{ key: 'coin_predict_version', value: 'v3' }] },
    });
  }, 60_000);
});
