/** Holes about which no answer can be believed: they are left out, and told when all others have been asked for. */
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { PipelineError } from '../../../src/domain/errors';
import { repair } from '../../../src/ingest/repair';
import {
  BTC,
  HOUR,
  after,
  candle,
  candles,
  exchangeThat,
  ingestPorts,
  jumping,
  rowOf,
  slot,
  without,
} from './ingest-under-test';
import type { Candle } from '../../../src/domain/types';
import type { WriteOutcome } from '../../../src/ports/candle-store';

/** A store that has `stored` and an exchange that has `truth`. */
async function portsWith(stored: readonly Candle[], truth: readonly Candle[], now: number) {
  const ports = ingestPorts(now, truth);
  await ports.candles.write(BTC, stored, now);
  return ports;
}
const stored = (ports: Pick<Awaited<ReturnType<typeof portsWith>>, 'candles'>) =>
  ports.candles.read(BTC, { limit: 100_000 });

describe('one hole that fails for ever keeps no other from being asked for', () => {
  const asOf = after(2999) + 72 * HOUR;
  const bad = [slot(100), 0, 0, 0, 0, 0];
  /** Whoever asks from before hour 100 on, where a hole is, gets `rows` only; from later on all is well. */
  const failingAt100 = (truth: readonly Candle[], rows: readonly unknown[]) =>
    exchangeThat((asked) => (asked.since <= slot(100) ? rows : jumping(truth)(asked)));
  /** Days that begin a minute late: another calendar than ours. */
  const shifted = Array.from({ length: 3 }, (_, day) =>
    rowOf(candle(100 + 24 * day)).with(0, slot(100 + 24 * day) + 60_000),
  );

  test.each([
    ['page_rejected', [bad]],
    ['unsupported_timeframe', shifted],
    ['empty_response', []],
  ])(
    'I09 %s: a hole beside it, and one far off, are found and decided, then the failure is told',
    async (code, rows) => {
      const truth = without(candles(0, 2999), 300);
      const ports = await portsWith(without(truth, 100, 301, 2000), truth, asOf);
      const exchange = failingAt100(truth, rows);
      for (let run = 0; run < 2; run++) {
        await expect(repair({ ...ports, exchange }, { pair: BTC, asOf })).rejects.toMatchObject({ code });
        expect(await stored(ports)).toEqual(without(truth, 100));
        expect(await ports.gapLedger.list(BTC)).toMatchObject([
          { from: slot(300), to: slot(300), state: 'confirmed_empty' },
        ]);
      }
      expect(exchange.requests.filter(({ since }) => since === slot(100)).length).toBeLessThanOrEqual(4);
      expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ found: 1, undecided: 0 });
    },
  );

  test('a live run comes past it, and its requests that fail count like all others', async () => {
    const truth = candles(0, 2999);
    const ports = await portsWith(without(truth, 100, 2000), truth, asOf);
    const exchange = failingAt100(truth, [bad]);
    await expect(repair({ ...ports, exchange }, { pair: BTC, asOf, maxRequests: 2 })).rejects.toMatchObject({
      code: 'page_rejected',
    });
    expect(exchange.requests).toHaveLength(2);
    await expect(repair({ ...ports, exchange }, { pair: BTC, asOf, maxRequests: 5 })).rejects.toMatchObject({
      code: 'page_rejected',
    });
    expect(exchange.requests).toHaveLength(2 + 3);
    expect(await stored(ports)).toEqual(without(truth, 100));
  });

  test('of a wide one what fails is left out window by window, after all others', async () => {
    const truth = candles(0, 2999);
    const held = truth.filter(({ openTime }) => openTime < slot(100) || openTime >= slot(2000));
    const ports = await portsWith(without(held, 2500), truth, asOf);
    const exchange = exchangeThat((asked) => (asked.since < slot(1300) ? [bad] : jumping(truth)(asked)));
    const run = (maxRequests: number) => repair({ ...ports, exchange }, { pair: BTC, asOf, maxRequests });
    await expect(run(3)).rejects.toMatchObject({ code: 'page_rejected' });
    expect(await stored(ports)).toEqual(held);
    await expect(run(1000)).rejects.toMatchObject({ code: 'page_rejected' });
    expect(await stored(ports)).toEqual(truth.filter(({ openTime }) => openTime < slot(100) || openTime >= slot(1600)));
    expect(exchange.requests.length).toBeLessThan(3 + 10);
  });

  test('an exchange that answers everything badly is asked window by window, not hole by hole', async () => {
    const truth = candles(0, 9999).filter((_, index) => index % 2 === 0 || index === 9999);
    const now = after(9999) + 72 * HOUR;
    const ports = await portsWith(truth, truth, now);
    for (const rows of [[bad], []]) {
      const exchange = exchangeThat(() => rows);
      await expect(repair({ ...ports, exchange }, { pair: BTC, asOf: now })).rejects.toMatchObject({});
      expect(await ports.gapLedger.list(BTC)).toEqual([]);
      // Ten holes by themselves, then 20 windows of 500; and a search for the earliest candle.
      expect(exchange.requests.length).toBeLessThanOrEqual(2 * (10 + 20) + 60);
    }
  });

  test('an exchange that can not be reached is not asked again for each hole', async () => {
    const ports = await portsWith(without(candles(0, 2999), 100, 2000), candles(0, 2999), asOf);
    ports.exchange.fail(new PipelineError('exchange_unreachable', 'gone'));
    await expect(repair(ports, { pair: BTC, asOf })).rejects.toMatchObject({ code: 'exchange_unreachable' });
    expect(ports.exchange.requests).toHaveLength(1);
  });
});

describe('P14 rows that the store itself refuses', () => {
  /** Like InfluxDB: up to ten rows are set aside, more of them fail the write. */
  class RefusingStore extends MemoryCandleStore {
    constructor(private readonly isBad: (candle: Candle) => boolean) {
      super();
    }

    override async write(...[pair, page, ...rest]: Parameters<MemoryCandleStore['write']>): Promise<WriteOutcome> {
      const bad = page.filter(this.isBad);
      if (bad.length > 10) throw new PipelineError('store_refused', 'another type is stored there');
      const good = page.filter((row) => !bad.includes(row));
      const refused = bad.map(({ openTime }) => ({ reason: 'refused_by_store' as const, openTime, raw: '' }));
      return { ...(await super.write(pair, good, ...rest)), refused };
    }
  }
  const portsOf = async (held: readonly Candle[], truth: readonly Candle[], asOf: number, bad = slot(100)) => {
    const store = new RefusingStore(({ openTime }) => openTime >= slot(100) && openTime <= bad);
    await store.write(BTC, held, asOf);
    return { ...ingestPorts(asOf, truth), candles: store };
  };

  test('I03 one that is set aside is not found: it is a suspect that was asked for', async () => {
    const asOf = after(999) + 72 * HOUR;
    const truth = candles(0, 999);
    const ports = await portsOf(without(truth, 100, 300), truth, asOf);
    expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ found: 1, missing: 1, undecided: 1 });
    expect(await ports.gapLedger.list(BTC)).toMatchObject([
      { from: slot(100), to: slot(100), state: 'suspect', asks: 1 },
    ]);
  });

  test('a page that is refused fails the run; what was answered of other slots is found and decided before', async () => {
    const asOf = after(2999) + 72 * HOUR;
    const outside = candles(0, 2999).filter(({ openTime }) => openTime < slot(100) || openTime >= slot(120));
    const ports = await portsOf(without(outside, 300, 2000), without(candles(0, 2999), 300), asOf, slot(119));
    for (let run = 0; run < 2; run++) {
      await expect(repair(ports, { pair: BTC, asOf })).rejects.toMatchObject({ code: 'store_refused' });
      expect(await stored(ports)).toEqual(without(outside, 300));
      expect(await ports.gapLedger.list(BTC)).toMatchObject([{ from: slot(300), state: 'confirmed_empty' }]);
    }
  });
});
