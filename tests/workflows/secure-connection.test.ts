/** S27: a Temporal server behind mutual TLS and a key, as client and worker reach it; the TLS ends in front of a real server. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/config';
import { TASK_QUEUE } from '../../src/domain/names';
import { TemporalUnreachable } from '../../src/ports/control';
import { connectionOptions } from '../../temporal/connection';
import { connectControl } from '../../temporal/control';
import { startWorker } from '../../temporal/worker';
import { describeUnless } from '../possible';
import { startTestTemporal } from '../temporal';
import { workflowBundle } from '../workflow-bundle';
import type { TestTemporal } from '../temporal';
import { script } from './scripted-activities';

const bundle = { file: '' };
jest.mock('../../temporal/bundle', () => ({
  get WORKFLOW_BUNDLE() {
    return bundle.file;
  },
}));

const NAME = 'temporal.test';
const KEY = 'canary-of-the-api-key';
let folder: string;
let temporal: TestTemporal;
let front: Server;
const file = (name: string): string => join(folder, name);

/** An authority, and what it signed for the server and for us. */
function certificates(): void {
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...fresh, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority', '-days', '2');
  writeFileSync(file('leaf.ext'), `basicConstraints=CA:FALSE\nsubjectAltName=DNS:${NAME}\n`);
  for (const name of ['server', 'client']) {
    openssl('req', ...fresh, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'leaf.ext', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed);
  }
}

const missing = spawnSync('openssl', ['version']).error === undefined ? null : 'no openssl: install openssl';
describeUnless(missing)('a Temporal server behind TLS', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coin-predict-tls-'));
    certificates();
    temporal = await startTestTemporal();
    bundle.file = file('workflows.js');
    writeFileSync(bundle.file, (await workflowBundle()).code);
    const port = Number(temporal.server.address.split(':').at(-1));
    const [ca, cert, key] = ['ca.pem', 'server.pem', 'server.key'].map((name) => readFileSync(file(name)));
    front = createServer(
      { ca, cert, key, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
      (open) => {
        const behind: Socket = connect(port, '127.0.0.1');
        open.pipe(behind).pipe(open);
        for (const [one, other] of [
          [open, behind],
          [behind, open],
        ] as const)
          one.on('error', () => other.destroy()).on('close', () => other.destroy());
      },
    );
    front.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  }, 120_000);
  afterAll(async () => {
    await temporal.stop();
    await new Promise((resolve) => front.close(resolve));
    rmSync(folder, { recursive: true });
  }, 60_000);

  function serverOf(changes: Record<string, string> = {}) {
    const config = loadConfig(
      {
        TEMPORAL_ADDRESS: `127.0.0.1:${(front.address() as AddressInfo).port}`,
        TEMPORAL_TLS: 'on',
        TEMPORAL_TLS_CA: file('ca.pem'),
        TEMPORAL_TLS_CERT: file('client.pem'),
        TEMPORAL_TLS_KEY: file('client.key'),
        TEMPORAL_TLS_SERVER_NAME: NAME,
        TEMPORAL_API_KEY: KEY,
        ...changes,
      },
      null,
    );
    return { address: config.temporalAddress ?? '', security: config.temporalSecurity, namespace: 'default' };
  }

  test('S27 a client and a worker work through mutual TLS', async () => {
    const control = await connectControl({ ...serverOf(), schedules: [] });
    const { activities } = script(['BTC/USDT']);
    const worker = await startWorker({
      ...serverOf(),
      activities,
      computeActivities: activities,
      backgroundActivities: activities,
      computeSlots: 1,
      log: pino({ level: 'silent' }),
      signal: new AbortController().signal,
    });
    const options = { taskQueue: TASK_QUEUE, workflowId: 'alert-tls', args: [{ message: 'tls' }] };
    expect(await control.client.workflow.execute('deliverAlert', options)).toEqual({ delivered: 2 });
    await worker.stop();
    await control.close();
  }, 120_000);

  test.each([
    [
      'without TLS',
      {
        TEMPORAL_TLS: 'off',
        TEMPORAL_TLS_CA: '',
        TEMPORAL_TLS_CERT: '',
        TEMPORAL_TLS_KEY: '',
        TEMPORAL_TLS_SERVER_NAME: '',
      },
    ],
    ['without a certificate of ours', { TEMPORAL_TLS_CERT: '', TEMPORAL_TLS_KEY: '' }],
    ['when the certificate is for another name', { TEMPORAL_TLS_SERVER_NAME: 'other.test' }],
    ['when nobody we trust signed it', { TEMPORAL_TLS_CA: '' }],
  ])(
    'S27 nothing is connected %s',
    async (_, changes) => {
      await expect(connectControl({ ...serverOf(changes), schedules: [] })).rejects.toBeInstanceOf(TemporalUnreachable);
    },
    60_000,
  );

  test('S27 the key goes with TLS only, and a file that is not there is named', async () => {
    expect(await connectionOptions(serverOf())).toMatchObject({ apiKey: KEY, tls: { serverNameOverride: NAME } });
    const { address } = serverOf();
    const plain = loadConfig({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: KEY }, null);
    expect(await connectionOptions({ address, security: plain.temporalSecurity })).toEqual({ address });
    await expect(connectionOptions(serverOf({ TEMPORAL_TLS_CA: '/nowhere/ca.pem' }))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('TEMPORAL_TLS_CA'),
    });
    const shown = plain.settings.find(({ name }) => name === 'TEMPORAL_API_KEY')?.shown;
    expect(shown).toBe('***');
  });
});
