import { createHmac, timingSafeEqual } from 'node:crypto';
import { guardedRequest } from '../../../src/adapters/webhook/guarded-request';
import type { OutboundPolicy, ResolvedAddress } from '../../../src/adapters/webhook/guarded-request';
import { createHeartbeat, createNotifiers } from '../../../src/adapters/webhook/notifiers';
import { planMessages, testMessage } from '../../../src/domain/alert-messages';
import type { AlertMessage } from '../../../src/domain/alert-messages';
import { EVENT_KINDS, eventOf } from '../../../src/domain/event';
import { respond, startReceiver } from './receiver';
import type { Received, Receiver } from './receiver';

const NOW = Date.UTC(2024, 0, 1, 12);
const SECRET = 'canary-hmac-key-5f1e';
const clock = { now: () => NOW, monotonic: () => performance.now() };
let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const allowed = (): OutboundPolicy => ({ allowedHosts: new Set([receiver.host]), timeoutMs: 1_000 });

function notifier(kind: 'discord' | 'slack' | 'webhook', policy = allowed()) {
  const settings = { discord: null, slack: null, webhook: null, webhookSecret: SECRET, policy, clock };
  const [made] = createNotifiers({ ...settings, [kind]: `${receiver.url}/canary-token-77` });
  if (made === undefined) throw new Error('no notifier');
  return made;
}

function message(detail: string): AlertMessage {
  const [planned] = planMessages([eventOf('drift', NOW, { key: 'drift 1', detail })], {
    at: NOW,
    recent: 0,
    perMinute: 10,
  });
  if (planned === undefined) throw new Error('no message');
  return planned.message;
}

const sent = (): Pick<Received, 'headers' | 'body'> => receiver.received.at(-1) ?? { headers: {}, body: '{}' };
const body = () => JSON.parse(sent().body) as Record<string, unknown>;

describe('what is sent', () => {
  test('S09 the webhook gets the message as JSON, signed over timestamp and body, with a key for repeats', async () => {
    expect(await notifier('webhook').send(message('why'))).toBe('delivered');
    const { headers } = sent();
    expect(headers['idempotency-key']).toBe('drift-20240101T120000.000Z');
    expect(body()).toMatchObject({ version: '1', kind: 'drift', severity: 'warning', at: '2024-01-01T12:00:00.000Z' });
    expect(isAuthentic(headers, sent().body, NOW)).toBe(true);
    expect(isAuthentic(headers, sent().body.replace('drift', 'drfit'), NOW)).toBe(false);
    expect(isAuthentic(headers, sent().body, NOW + 301_000)).toBe(false);
  });

  test('S13 a hostile text mentions nobody on Discord, formats nothing and links nowhere', async () => {
    await notifier('discord').send(
      message('@everyone <@123> **bold** `x` [a](http://evil.example) \u202e\u001b[31m\nnew'),
    );
    const { content, allowed_mentions: mentions } = body();
    expect(mentions).toEqual({ parse: [] });
    const line = String(content).split('\n')[1];
    expect(line).toContain('\\@everyone \\<\\@123\\> \\*\\*bold\\*\\* \\`x\\` \\[a\\]\\(http:\u200b//evil.example\\)');
    // eslint-disable-next-line no-control-regex -- an escape character must be gone
    expect(String(content)).not.toMatch(/[\u202e\u001b]/);
    expect(String(content).split('\n')).toHaveLength(3);
  });

  test('S13 the same on Slack', async () => {
    await notifier('slack').send(message('<!channel> <@U1> & *bold* http://evil.example'));
    expect(body()).toMatchObject({ mrkdwn: false, parse: 'none' });
    expect(String(body().text)).toContain('&lt;!channel&gt; &lt;@U1&gt; &amp; \u200b*bold\u200b* http:\u200b//evil');
  });

  test('no message is longer than the service takes, and however many lines it has, it says what to do and where to look', async () => {
    const workflow = { id: 'cycle-1h', run: 'run_1' };
    const events = Array.from({ length: 500 }, (_, n) =>
      eventOf('drift', NOW, { key: `${n}`, detail: '*'.repeat(900), workflow }),
    );
    const [planned] = planMessages(events, { at: NOW, recent: 0, perMinute: 10 });
    if (planned === undefined) throw new Error('no message');
    await notifier('discord').send(planned.message);
    const content = String(body().content);
    expect(content.length).toBeLessThanOrEqual(2000);
    const [title, first, ...tail] = content.split('\n');
    expect(title).toBe('WARNING 500 times: the model drifts');
    expect(first).toContain('the system: \\*\\*');
    expect(tail).toEqual([
      'and 499 more',
      'what to do: docs/runbooks/drift.md',
      String.raw`workflow: cycle\-1h run\_1`,
    ]);
  });

  test('a summary of every kind there is fits, and begins with what it is', async () => {
    const events = EVENT_KINDS.map((kind) => eventOf(kind, NOW, { key: kind, detail: '*'.repeat(900) }));
    const [planned] = planMessages(events, { at: NOW, recent: 0, perMinute: 1 });
    if (planned === undefined) throw new Error('no message');
    await notifier('discord').send(planned.message);
    const content = String(body().content);
    expect(content.length).toBeLessThanOrEqual(2000);
    expect(content).toMatch(/^CRITICAL \d+ more events: /);
    expect(content).toContain(`and ${events.length} more`);
    expect(content).toContain(String.raw`what to do: docs/runbooks/hard\-stale.md`);
  });

  test('a heartbeat is a GET', async () => {
    await createHeartbeat(receiver.url, allowed())?.ping();
    expect(receiver.received).toMatchObject([{ path: '/hook', body: '' }]);
    expect(createHeartbeat(null, allowed())).toBeNull();
  });
});

/** What docs/operators-guide.md tells a receiver to do. */
function isAuthentic(headers: Record<string, unknown>, text: string, now: number): boolean {
  const timestamp = String(headers['x-coin-predict-timestamp']);
  const given = Buffer.from(String(headers['x-coin-predict-signature']));
  const mac = Buffer.from(`v1=${createHmac('sha256', SECRET).update(`${timestamp}.${text}`).digest('hex')}`);
  const recent = Math.abs(now / 1000 - Number(timestamp)) <= 300;
  return recent && given.length === mac.length && timingSafeEqual(given, mac);
}

describe('F57 receivers that do not behave', () => {
  const outcome = () =>
    notifier('webhook')
      .send(testMessage(NOW))
      .catch((error: unknown) => String(error));

  test('500 is to be tried again, 429 not before the time it names', async () => {
    receiver.answer = respond(500);
    expect(await outcome()).toContain('webhook answered HTTP 500');
    receiver.answer = respond(429, { 'retry-after': '7' });
    await expect(notifier('webhook').send(testMessage(NOW))).rejects.toMatchObject({ retryAfterMs: 7_000 });
  });

  test('a receiver that asks for eleven days is asked again after ten minutes', async () => {
    receiver.answer = respond(429, { 'retry-after': '999999' });
    await expect(notifier('webhook').send(testMessage(NOW))).rejects.toMatchObject({ retryAfterMs: 600_000 });
  });

  test('410 is gone', async () => {
    receiver.answer = respond(410);
    expect(await outcome()).toBe('gone');
  });

  test('a redirect is not followed', async () => {
    const canary = await startReceiver();
    receiver.answer = respond(302, { location: canary.url });
    expect(await outcome()).toContain('HTTP 302');
    expect(canary.connections).toBe(0);
    await canary.close();
  });

  test('an answer of 50 MB is not read', async () => {
    let written = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(64 * 1024);
      const push = (): void => {
        while (written < 50e6 && !response.destroyed) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', push);
        }
      };
      push();
    };
    expect(await outcome()).toBe('delivered');
    expect(written).toBeLessThan(10e6);
  });

  test('one that accepts and says nothing costs the time limit and no more', async () => {
    receiver.answer = () => {};
    const started = performance.now();
    expect(await outcome()).toContain('no answer in time');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('S10 no error names the address or the key', async () => {
    const texts: string[] = [];
    receiver.answer = respond(500);
    texts.push(await outcome());
    await receiver.close();
    texts.push(await outcome());
    receiver = await startReceiver();
    texts.push(await notifier('webhook', { allowedHosts: new Set() }).send(testMessage(NOW)).catch(String));
    expect(texts[1]).toContain('ECONNREFUSED');
    for (const text of texts) {
      expect(text).not.toMatch(/canary|127\.0\.0\.1/);
    }
  });
});

describe('S08 addresses that must not be called', () => {
  const url = (host: string) => `https://${host}/`;
  const literal = [
    ...['127.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.0.0.1', '[::ffff:127.0.0.1]', '[::]', '[::1]', '0'],
    ...['①②⑦.0.0.1', '169.254.169.254', '[fe80::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '10.0.0.1', '100.64.0.1'],
    ...[
      '172.31.0.1',
      '192.168.1.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '[fc00::1]',
      '[ff02::1]',
      '[2001:db8::1]',
    ],
  ].map(url);
  const shaped = [
    'http://example.com/',
    'ftp://example.com/',
    'https://a@10.0.0.1/',
    'https://u:p@example.com/',
    'https://example.com:22/',
    'file:///etc/passwd',
    'x',
  ];

  /** Every refusal must come before any connection: nothing here may reach the network. */
  const call = (address: string, resolve: OutboundPolicy['resolve']) =>
    guardedRequest(
      address,
      { method: 'GET' },
      {
        allowedHosts: new Set(),
        timeoutMs: 1_000,
        ...(resolve === undefined ? {} : { resolve }),
      },
    ).catch((error: unknown) => String(error));
  const resolvesTo =
    (...addresses: string[]) =>
    async (): Promise<ResolvedAddress[]> =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

  test.each([...literal, ...shaped])('%s is refused', async (address) => {
    expect(await call(address, resolvesTo('127.0.0.1'))).toContain("the receiver's address is refused");
  });

  test.each([['127.0.0.1'], ['93.184.216.34', '10.0.0.1'], ['::1'], ['::ffff:10.0.0.1'], []])(
    'a name that resolves to %p is refused',
    async (...addresses) => {
      expect(await call('https://receiver.example/', resolvesTo(...addresses))).toContain('is refused');
    },
  );

  test('localhost is refused by the real resolver', async () => {
    expect(await call('https://localhost./', undefined)).toMatch(/is refused|could not be reached/);
    expect(await call('https://localhost/', undefined)).toContain('is refused');
    expect(receiver.connections).toBe(0);
  });

  test('a name that changes its address after the check is called where the check found it', async () => {
    let asked = 0;
    const resolve = async (): Promise<ResolvedAddress[]> => {
      asked++;
      return [{ address: '127.0.0.1', family: 4 }];
    };
    const port = new URL(receiver.url).port;
    const policy = { allowedHosts: new Set([`receiver.example:${port}`]), resolve, timeoutMs: 1_000 };
    const answer = await guardedRequest(`http://receiver.example:${port}/`, { method: 'GET' }, policy);
    expect(answer.status).toBe(204);
    expect(asked).toBe(1);
    expect(receiver.received[0]?.headers.host).toBe(`receiver.example:${port}`);
  });

  test('an allowed host opens its own port only', async () => {
    const policy = { allowedHosts: new Set(['127.0.0.1:1']), timeoutMs: 1_000 };
    await expect(guardedRequest(receiver.url, { method: 'GET' }, policy)).rejects.toThrow('not https');
    expect(receiver.connections).toBe(0);
  });
});
