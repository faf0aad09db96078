import { createExchangeClock } from '../../../src/adapters/ccxt/exchange-clock';
import { PipelineError } from '../../../src/domain/errors';

const MINUTE = 60_000;
const NOON = Date.UTC(2024, 0, 1, 12);

/** Our clocks, and an exchange `offset` milliseconds from us whose answer takes `delay`. */
function world({ offset = 0, delay = 0 } = {}) {
  const state = { elapsed: 0, jumped: 0, offset, delay, asked: 0, fails: false };
  const ours = { now: () => NOON + state.elapsed + state.jumped, monotonic: () => state.elapsed };
  const clock = createExchangeClock(ours, async () => {
    state.asked++;
    if (state.fails) throw new PipelineError('exchange_unreachable', 'as told');
    const told = NOON + state.elapsed + state.offset;
    state.elapsed += state.delay;
    return told;
  });
  return { state, clock, now: () => ours.now() };
}

test.each([-90_000, 0, 90_000])('F31 it shows the clock of an exchange %i ms from us', async (offset) => {
  const { clock, state } = world({ offset });
  await clock.now(0);
  state.elapsed += 1234;
  expect(clock.estimate()).toBe(NOON + 1234 + offset);
});

test('an answer that was long on its way makes it too early, never too late', async () => {
  const { clock, state } = world({ offset: 500, delay: 800 });
  const shown = await clock.now(0);
  expect(shown).toBeLessThanOrEqual(NOON + state.elapsed + 500);
});

test('it asks again after 5 minutes, and after 10 seconds when the answer was slow', async () => {
  for (const [delay, pause] of [
    [10, 5 * MINUTE],
    [1500, 10_000],
  ] as const) {
    const { clock, state } = world({ delay });
    await clock.now(0);
    state.elapsed += pause - 100;
    await clock.now(0);
    expect(state.asked).toBe(1);
    state.elapsed += 200;
    await clock.now(0);
    expect(state.asked).toBe(2);
  }
});

test.each([-2 * 60 * MINUTE, 3 * 24 * 60 * MINUTE])(
  'F30 it asks again when our clock jumped by %i ms, and does not jump with it',
  async (jump) => {
    const { clock, state } = world();
    await clock.now(0);
    state.jumped = jump;
    expect(await clock.now(0)).toBe(NOON);
    expect(state.asked).toBe(2);
  },
);

test('it asks again when the exchange would seem to be behind the time that is wanted', async () => {
  const { clock, state } = world({ offset: -60 * MINUTE });
  await clock.now(NOON);
  state.offset = 0;
  state.elapsed += 2000;
  expect(await clock.now(NOON)).toBe(NOON + 2000);
});

test('it goes on from its last reading when asking fails', async () => {
  const { clock, state } = world({ offset: 7 });
  await clock.now(0);
  state.fails = true;
  state.elapsed += 60 * MINUTE;
  expect(await clock.now(0)).toBe(NOON + 60 * MINUTE + 7);
});

test('without any reading a failure to ask is a failure', async () => {
  const { clock, state } = world();
  state.fails = true;
  await expect(clock.now(0)).rejects.toMatchObject({ code: 'exchange_unreachable' });
});

test('several that want the time at once ask once', async () => {
  const { clock, state } = world();
  await Promise.all([clock.now(0), clock.now(0), clock.now(0)]);
  expect(state.asked).toBe(1);
});

test('an exchange that tells no time is taken to have ours', async () => {
  const clock = createExchangeClock({ now: () => NOON, monotonic: () => 0 }, null);
  expect(await clock.now(NOON + MINUTE)).toBe(NOON);
  expect(clock.estimate()).toBe(NOON);
});
