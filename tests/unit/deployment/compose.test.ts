/** S26: no container engine here, so the files it would read are held against rules. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/config';
import { isVariable, VARIABLES } from '../../../src/config/variables';

const ROOT = join(__dirname, '..', '..', '..');

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly pull_policy?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env_file?: readonly { readonly path: string; readonly required: boolean }[];
  readonly secrets?: readonly string[];
  readonly configs?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly networks?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const compose = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly secrets?: Readonly<Record<string, { readonly file?: string }>>;
  readonly configs?: Readonly<Record<string, { readonly file?: string }>>;
};
const services = Object.entries(compose.services);
/** What is ours, where every rule must hold; the vendor of `temporal` writes its configuration into its own folder. */
const WRITES_ITS_ROOT = ['temporal', 'temporal-ui'];

describe('docker-compose.yml', () => {
  test('S28 only the worker knows the token of the store; the web process has none and may write nothing', () => {
    const { worker, web } = compose.services;
    expect(Object.keys(worker?.environment ?? {})).toContain('INFLUXDB_TOKEN');
    expect(Object.keys(web?.environment ?? {}).filter((name) => /^INFLUXDB|^TEMPORAL|^ALERT/.test(name))).toEqual([]);
    expect(web?.volumes).toEqual(['data:/data:ro']);
  });

  test('S28 InfluxDB never asks an address of its own networks', () => {
    expect(compose.services.influxdb?.environment).toMatchObject({
      INFLUXD_HARDENING_ENABLED: 'true',
      INFLUXD_REPORTING_DISABLED: 'true',
    });
  });

  test('has everything of a deployment', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(
      [
        'grafana',
        'influxdb',
        'mlflow',
        'postgresql',
        'prometheus',
        'temporal',
        'temporal-ui',
        'web',
        'worker',
      ].toSorted(),
    );
    expect(compose.services.influxdb?.image).toMatch(/^influxdb:2\.7(\.\d+)?$/);
  });

  test.each(services)(
    'S26 %s runs as an ordinary user that is a number, without capabilities or new privileges',
    (_, service) => {
      expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.security_opt).toContain('no-new-privileges:true');
      expect([service.privileged, service.network_mode]).toEqual([undefined, undefined]);
      expect(service.restart).toBe('unless-stopped');
    },
  );

  test.each(services)('%s names one version, not a digest (decision 14), and says how it is', (_, service) => {
    expect(service.image).toMatch(/:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/);
    expect(service.healthcheck?.test.length).toBeGreaterThan(1);
  });

  test.each(services.filter(([name]) => !WRITES_ITS_ROOT.includes(name)))(
    'S26 %s may write its volumes only',
    (_, service) => {
      expect(service.read_only).toBe(true);
    },
  );

  test.each(services)('S26 %s publishes nothing but the web port beyond the loopback address', (name, service) => {
    const open = (service.ports ?? []).filter((port) => !port.startsWith('127.0.0.1:'));
    expect(open).toEqual(name === 'web' ? ['${WEB_PORT:-8080}:8080'] : []);
  });

  test('S26 a service that may not be written gets no secret or config but a file: Compose can copy nothing into it', () => {
    for (const [name, service] of services.filter(([, { read_only: closed }]) => closed === true)) {
      const asked = [...(service.secrets ?? []), ...(service.configs ?? [])];
      const { secrets = {}, configs = {} } = compose;
      const files = asked.map((source) => (secrets[source] ?? configs[source])?.file);
      expect([name, files.includes(undefined)]).toEqual([name, false]);
    }
  });

  test('an image is built by one service; another one that runs it never asks a registry for it', () => {
    const built = services.flatMap(([, { build, image }]) => (build === undefined ? [] : [image]));
    expect(new Set(built).size).toBe(built.length);
    expect(built.length).toBeGreaterThan(0);
    for (const [name, { build, image, pull_policy: policy }] of services) {
      if (build === undefined && built.includes(image)) expect([name, policy]).toEqual([name, 'never']);
    }
  });

  test('Temporal is reached on each of its networks, and by its own parts and its health test on the loopback address', () => {
    const { environment, networks, healthcheck } = compose.services.temporal ?? {};
    expect(networks?.length).toBeGreaterThan(1);
    expect(environment).toMatchObject({
      BIND_ON_IP: '0.0.0.0',
      TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
      TEMPORAL_ADDRESS: '127.0.0.1:7233',
    });
    expect(healthcheck?.test.at(-1)).toBe('127.0.0.1:7233');
    expect(text).not.toContain('hostname -i');
  });

  test('S26 Prometheus finds the token where its configuration looks for it, readable by nobody else', () => {
    const { entrypoint = [], command = [], tmpfs } = compose.services.prometheus ?? {};
    const scrape = parse(readFileSync(join(ROOT, 'deploy', 'prometheus', 'prometheus.yml'), 'utf8')) as {
      readonly scrape_configs: readonly { readonly authorization?: { readonly credentials_file: string } }[];
    };
    const [wanted = ''] = scrape.scrape_configs.flatMap(({ authorization }) => authorization?.credentials_file ?? []);
    expect(tmpfs).toEqual(['/tmp:mode=1777']);
    const folder = mkdtempSync(join(tmpdir(), 'coin-predict-token-'));
    try {
      const here = (part: string): string =>
        part.replaceAll('$$', '$').replaceAll('/tmp/', `${folder}/`).replace('/bin/prometheus', '/bin/echo');
      const [shell = '', ...words] = [...entrypoint, ...command].map(here);
      const { stdout, status } = spawnSync(shell, words, { env: { OPS_TOKEN: 'of % the \\ test' }, encoding: 'utf8' });
      expect([status, stdout.trim()]).toEqual([0, command.join(' ')]);
      const file = here(wanted);
      expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['of % the \\ test', 0o600]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('S26 the database of Temporal is reached by services alone', () => {
    expect(compose.networks.inside).toEqual({ internal: true });
    expect(compose.services.postgresql?.networks).toEqual(['inside']);
    expect(compose.services.postgresql?.ports).toBeUndefined();
  });

  test('S26 no secret is written here: each comes from outside, or is missing', () => {
    for (const [, service] of services) {
      for (const [name, value] of Object.entries(service.environment ?? {})) {
        if (/PASSWORD|TOKEN|SECRET|_PWD$/.test(name)) expect(value).toMatch(/^\$\{[A-Z_]+:(\?[^}]+|-)\}$/);
      }
    }
    expect(compose.services.web?.environment).not.toHaveProperty('INFLUXDB_TOKEN');
    expect(compose.services.web?.volumes).toEqual(['data:/data:ro']);
  });

  test('the worker is well when the worker itself answers, on the port it was given', async () => {
    const [kind, , ...words] = compose.services.worker?.healthcheck?.test ?? [];
    expect([kind, compose.services.worker?.environment?.METRICS_HOST]).toEqual(['CMD', '0.0.0.0']);
    expect(words.join(' ')).toContain(VARIABLES.METRICS_PORT.default);
    const health = (port: number): Promise<number | null> =>
      new Promise((resolve) => {
        const env = { PATH: process.env.PATH, METRICS_PORT: String(port) };
        spawn(process.execPath, words, { env, stdio: 'ignore' }).once('exit', resolve);
      });
    const worker = createServer((request, response) =>
      response.writeHead(request.url === '/metrics' ? 200 : 404).end(),
    );
    await new Promise<void>((resolve) => worker.listen(0, '127.0.0.1', resolve));
    const { port } = worker.address() as AddressInfo;
    expect(await health(port)).toBe(0);
    await new Promise((resolve) => worker.close(resolve));
    expect(await health(port)).toBe(1);
  }, 60_000);

  test('services wait for those they need to be well, and name none that is not there', () => {
    for (const [, service] of services) {
      for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect([compose.services[needed] === undefined, condition]).toEqual([false, 'service_healthy']);
      }
    }
    expect(Object.keys(compose.services.worker?.depends_on ?? {}).toSorted()).toEqual(['influxdb', 'temporal']);
  });

  test('every file that is mounted is there', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.filter((volume) => volume.startsWith('./')));
    expect(mounted.length).toBeGreaterThan(0);
    for (const volume of mounted)
      expect([volume, existsSync(join(ROOT, volume.split(':')[0] ?? ''))]).toEqual([volume, true]);
  });

  /** As compose would fill it in from a file in which every value is set. */
  const SET = { EXCHANGE: 'binance', other: 'a-long-random-text' };

  function filledIn(service: Service): Record<string, string> {
    return Object.fromEntries(
      Object.entries(service.environment ?? {}).map(([name, value]) => [
        name,
        String(value).replaceAll(
          /\$\{[A-Z_]+(?::-([^}]*)|:\?[^}]*)?\}/g,
          (_, fallback?: string) => fallback ?? (name === 'EXCHANGE' ? SET.EXCHANGE : SET.other),
        ),
      ]),
    );
  }

  test.each(['worker', 'web'])('the variables of %s are a configuration, and each is known', (name) => {
    const environment = filledIn(compose.services[name] ?? {});
    expect(Object.keys(environment).filter((variable) => !isVariable(variable))).toEqual([]);
    const config = loadConfig(environment, null);
    expect([config.exchange, config.dataDir]).toEqual(['binance', '/data']);
    expect(config.exchangeUrl).toBeNull();
    if (name === 'worker')
      expect(config).toMatchObject({
        store: 'influx',
        temporalAddress: 'temporal:7233',
        mlflowTrackingUri: 'http://mlflow:5000',
        temporalUiUrl: 'http://127.0.0.1:8233',
      });
  });

  test('EXCHANGE=auto is refused there: a deployment never falls back to simulated prices', () => {
    const environment = { ...filledIn(compose.services.worker ?? {}), EXCHANGE: 'auto' };
    expect(() => loadConfig(environment, null)).toThrow(/"auto" is refused/);
  });

  test('the example file names every variable that must be set, and no secret', () => {
    const example = readFileSync(join(ROOT, 'deploy', 'compose.env.example'), 'utf8');
    const needed = [...text.matchAll(/\$\{([A-Z_]+):\?/g)].map(([, name]) => name);
    for (const name of new Set(needed)) expect(example).toMatch(new RegExp(`^${name}=`, 'm'));
    for (const name of new Set(needed)) if (name !== 'EXCHANGE') expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
    expect(example).toContain('Docker Compose 2.24');
  });

  test('other settings of the worker come from a file that has an example, a place in the guide and none in the repository', () => {
    const [path] = (compose.services.worker?.env_file ?? []).map((file) => file.path);
    expect(path).toBe('deploy/worker.env');
    const example = readFileSync(join(ROOT, `${path}.example`), 'utf8');
    const names = [...example.matchAll(/^#([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name);
    expect(names.filter((name) => !isVariable(name))).toEqual([]);
    expect(names.filter((name) => name in (compose.services.worker?.environment ?? {}))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['STORAGE_BUDGET_GB', 'TIMEFRAMES', 'ALERT_DISCORD_URL']));
    const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n');
    for (const secret of ['deploy/compose.env', path]) expect(ignored).toContain(secret);
    expect(readFileSync(join(ROOT, 'docs', 'operators-guide.md'), 'utf8')).toContain(`${path}.example`);
  });
});

/** `docker compose` as documents and comments tell an operator to type it. */
describe('commands for the deployment', () => {
  const files = ['docker-compose.yml', 'README.md', 'deploy/compose.env.example', 'deploy/worker.env.example'];
  const guides = ['docs', 'docs/runbooks'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
  );
  const pages = [...files, ...guides.filter((name) => name.endsWith('.md'))];
  const typed = pages.flatMap((page) =>
    [
      ...readFileSync(join(ROOT, page), 'utf8').matchAll(
        /\bdocker compose ((?:-|up|down|exec|run|ps|logs|restart|stop)[^`\n]*)/g,
      ),
    ].map(([, words = '']) => words),
  );
  const SERVICE_AFTER = /^(?:up|exec|run|ps|logs)\b(?: --tail \d+| --[a-z-]+)*(?: ([a-z][a-z-]*)\b(.*))?$/;

  test('each names the file of values, and a service that is there', () => {
    expect(typed.length).toBeGreaterThan(6);
    for (const words of typed) {
      expect(words).toMatch(/^--env-file deploy\/compose\.env (up|exec|run|ps|logs)\b/);
      const [, service] = SERVICE_AFTER.exec(words.replace('--env-file deploy/compose.env ', '').trim()) ?? [
        words,
        words,
      ];
      if (service !== undefined) expect(Object.keys(compose.services)).toContain(service);
    }
  });

  test('a command typed in the worker is one of the image, which starts where it is', () => {
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    const inside = typed.flatMap((words) => (/ exec worker (.*)/.exec(words) ?? []).slice(1));
    expect(inside.length).toBeGreaterThan(0);
    for (const command of inside) expect(command).toMatch(/^node bin\/coin-predict\.js [a-z]/);
    expect(dockerfile).toContain('COPY bin bin\n');
    expect(dockerfile).toContain('ENTRYPOINT ["node", "bin/coin-predict.js"]');
  });
});

describe.each(['Dockerfile', 'deploy/mlflow/Dockerfile'])('%s', (file) => {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  const all = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  test('S26 builds on pinned versions, ends as an ordinary user and says how it is', () => {
    for (const image of all('FROM')) expect(image).toMatch(/:v?\d+\.\d+\.\d+(-[a-z-]+)?( AS [a-z]+)?$/);
    expect(all('USER').at(-1)).toBe('10001:10001');
    expect(all('HEALTHCHECK')).toHaveLength(1);
  });

  test('S26 takes no secret into a layer', () => {
    for (const line of [...all('ENV'), ...all('ARG')]) expect(line).not.toMatch(/TOKEN|PASSWORD|SECRET|KEY/);
    expect(all('ADD')).toEqual([]);
  });
});

test('S26 what must not be in the image is kept out of it', () => {
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  for (const name of ['.git', '.env', '*.env', 'data', 'node_modules']) expect(ignored).toContain(name);
});
