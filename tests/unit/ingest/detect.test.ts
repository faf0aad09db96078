import { PipelineError } from '../../../src/domain/errors';
import { detect } from '../../../src/ingest/detect';
import { BTC, SETTLE_MS, after, candle, candles, ingestPorts, rowOf, slot } from './ingest-under-test';
import type { ErrorCode } from '../../../src/domain/errors';

/** The store ends with candle 99. */
const ask = ({ exchange, clock }: ReturnType<typeof ingestPorts>, newest: number) =>
  detect(exchange, clock, { pair: BTC, lastStored: slot(99), asOf: after(newest), settleMs: SETTLE_MS });

test('new candles come with the last 3 stored ones in front, in one request', async () => {
  const ports = ingestPorts(after(101), candles(0, 150));
  expect(await ask(ports, 101)).toMatchObject({ kind: 'new', candles: candles(97, 101), fresh: 2, missing: 0 });
  expect(ports.exchange.requests).toHaveLength(1);
  expect(ports.exchange.requests[0]).toMatchObject({ since: slot(97), priority: 'live' });
});

test('an exchange that lags at the boundary has nothing yet, and one slot is missing', async () => {
  const ports = ingestPorts(after(100), candles(0, 99));
  expect(await ask(ports, 100)).toMatchObject({ kind: 'none_yet', candles: candles(97, 99), missing: 1 });
});

test('an exchange that lags behind several boundaries gives what it has and says how much is missing', async () => {
  const ports = ingestPorts(after(103), candles(0, 101));
  expect(await ask(ports, 103)).toMatchObject({ kind: 'new', fresh: 2, missing: 2 });
});

test('between boundaries nothing is new and nothing is missing', async () => {
  const ports = ingestPorts(after(99), candles(0, 150));
  expect(await ask(ports, 99)).toMatchObject({ kind: 'none_yet', missing: 0 });
});

test('I02 the candle that is forming is not among them', async () => {
  const ports = ingestPorts(slot(101) + 60_000, candles(0, 150));
  const detection = await detect(ports.exchange, ports.clock, {
    pair: BTC,
    lastStored: slot(99),
    asOf: slot(101) + 60_000,
    settleMs: SETTLE_MS,
  });
  expect(detection).toMatchObject({ kind: 'new', candles: candles(97, 100) });
});

test('P2 an answer without the candles it gave before is silence, not "nothing new"', async () => {
  const ports = ingestPorts(after(100), candles(0, 100));
  ports.exchange.next({ rows: [] });
  expect(await ask(ports, 100)).toMatchObject({ kind: 'silent', error: { code: 'empty_response' } });
});

test.each<ErrorCode>(['exchange_unreachable', 'exchange_timeout', 'bad_response'])('%s is silence', async (code) => {
  const ports = ingestPorts(after(100), candles(0, 100));
  ports.exchange.next({ error: new PipelineError(code, 'as told') });
  expect(await ask(ports, 100)).toMatchObject({ kind: 'silent', error: { code } });
});

test.each<ErrorCode>(['rate_limited', 'exchange_banned', 'exchange_blocked', 'bad_symbol'])(
  '%s is a failure, since the ingest would meet it too',
  async (code) => {
    const ports = ingestPorts(after(100), candles(0, 100));
    ports.exchange.next({ error: new PipelineError(code, 'as told') });
    await expect(ask(ports, 100)).rejects.toMatchObject({ code });
  },
);

test('F67 new candles that contradict each other are asked for once more', async () => {
  const ports = ingestPorts(after(100), candles(0, 100));
  const rows = candles(97, 100).map(rowOf);
  ports.exchange.next({ rows: [...rows, rowOf({ ...candle(100), volume: 99 })] });
  expect(await ask(ports, 100)).toMatchObject({ kind: 'new', candles: candles(97, 100) });
  expect(ports.exchange.requests).toHaveLength(2);
});
