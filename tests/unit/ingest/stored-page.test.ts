/** A page that is stored, and a crash at every step of it: what the change touches is known whatever the moment. */
import { storePage } from '../../../src/ingest/stored-page';
import type { StoringPorts } from '../../../src/ingest/ingest-ports';
import { BTC, candle, candles, ingestPorts, slot, START } from './ingest-under-test';

const REVISED = { ...candle(3), close: candle(3).close + 1 };

/** The ports, whose calls are counted; call `crash.at` fails, before or after it was done. */
function crashing(
  ports: StoringPorts,
  crash: { at: number; after: boolean },
): StoringPorts & { readonly calls: () => number } {
  let calls = 0;
  const counted = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          const mine = ++calls;
          if (mine === crash.at && !crash.after) throw new Error('the process ends here');
          const result: unknown = await Reflect.apply(member, target, args);
          if (mine === crash.at) throw new Error('the process ends here');
          return result;
        };
      },
    });
  return {
    candles: counted(ports.candles),
    gapLedger: counted(ports.gapLedger),
    pairState: counted(ports.pairState),
    dataQuality: counted(ports.dataQuality),
    calls: () => calls,
  };
}

async function stored() {
  const ports = ingestPorts(START, []);
  await storePage(ports, BTC, [...candles(0, 4), ...candles(6, 9)], 1000);
  return ports;
}

test.each([
  ['a candle that was revised', [candle(2), REVISED, candle(4)], { from: slot(3), to: slot(3) }],
  ['a hole that was filled', [candle(5)], { from: slot(5), to: slot(5) }],
])('I07 I10 a crash at any step of storing %s loses neither its audit nor its mark', async (_, page, range) => {
  const undisturbed = await stored();
  const counting = crashing(undisturbed, { at: 0, after: false });
  await storePage(counting, BTC, page, 2000);
  const audit = await undisturbed.pairState.revisions(BTC);
  expect(audit).toHaveLength(page.includes(REVISED) ? 1 : 0);
  expect(await undisturbed.dataQuality.changed(BTC)).toMatchObject(range);
  expect(counting.calls()).toBeGreaterThanOrEqual(3);
  for (let at = 1; at <= counting.calls(); at++) {
    for (const after of [false, true]) {
      const ports = await stored();
      await storePage(crashing(ports, { at, after }), BTC, page, 2000).catch(() => {});
      // The attempt that follows asks the exchange anew.
      await storePage(ports, BTC, page, 3000);
      const known = (await ports.pairState.revisions(BTC)).map(({ at: _at, ...revision }) => revision);
      expect(known[0]).toEqual(audit.map(({ at: _at, ...revision }) => revision)[0]);
      expect(await ports.dataQuality.changed(BTC)).toMatchObject(range);
      expect(await ports.candles.read(BTC, {})).toEqual(await undisturbed.candles.read(BTC, {}));
    }
  }
});

test('what is new after all that is stored changes nothing that was shown', async () => {
  const ports = await stored();
  await storePage(ports, BTC, candles(8, 12), 2000);
  expect(await ports.dataQuality.changed(BTC)).toBeNull();
  expect(await ports.pairState.revisions(BTC)).toEqual([]);
});

test('what was made anew between the mark and the write is marked once more', async () => {
  const ports = await stored();
  const write = ports.candles.write.bind(ports.candles);
  ports.candles.write = async (pair, page, fetchedAt, before) =>
    write(pair, page, fetchedAt, async (change) => {
      await before?.(change);
      const mark = await ports.dataQuality.changed(BTC);
      await ports.dataQuality.settleChanges(BTC, mark?.version ?? 0);
    });
  await storePage(ports, BTC, [REVISED], 2000);
  expect(await ports.dataQuality.changed(BTC)).toMatchObject({ from: slot(3), to: slot(3) });
});

test('I07 two imports that change the same candle are both in the audit, each at its own time', async () => {
  const ports = await stored();
  const imported = (volume: number, at: number) => storePage(ports, BTC, [{ ...REVISED, volume }], 1000, at);
  await imported(20, 5000);
  await imported(30, 6000);
  const audit = await ports.pairState.revisions(BTC);
  expect(audit.map(({ at, after }) => [at, after.volume]).toSorted(([a = 0], [b = 0]) => a - b)).toEqual([
    [5000, 20],
    [6000, 30],
  ]);
});
