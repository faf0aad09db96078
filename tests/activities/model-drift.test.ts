/** What counts as an observation of drift, over a real registry. */
import { join } from 'node:path';
import { judgeDrift, recordDrift, trainingEvent } from '../../activities/model-drift';
import type { DriftInput } from '../../activities/model-drift';
import type { ActivityPorts } from '../../activities/ports';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { OriginLoss } from '../../src/domain/forecast-comparison';
import { DAY, parseTimeframe, shiftSlots } from '../../src/domain/timeframe';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { parseSymbol } from '../../src/domain/types';
import { closedAfterEach, temporaryFolders } from '../ports/store-fixtures';
import { metadataOf } from '../ports/model-registry-contract';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const MONDAY = Date.UTC(2024, 0, 1);
const BTC = parseSymbol('BTC/USDT');

let ports: ActivityPorts;
beforeEach(async () => {
  const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  const settings = { rules: defaultRules, settleMs: 2_000 };
  ports = { ...state, settings, candles: new MemoryCandleStore() } as unknown as ActivityPorts;
});

/** Losses at `count` origins, the newest at `last`. */
function lossesOf(timeframe: string, last: number, count: number, error: number, inside80 = 0.8): OriginLoss[] {
  return Array.from({ length: count }, (_, k) => ({
    symbol: BTC,
    origin: shiftSlots(parseTimeframe(timeframe), last, -k),
    loss: 0.01,
    error,
    inside80,
  }));
}

function inputOf(timeframe: string, asOf: number, own: OriginLoss[], shadow: OriginLoss[] = []): DriftInput {
  const champion = metadataOf('champion', { timeframe: parseTimeframe(timeframe), fits: [] });
  return { timeframe: champion.timeframe, asOf, symbols: [BTC], champion, since: MONDAY - 900 * DAY, own, shadow };
}

/** Judges and records; what it calls for. */
async function look(input: DriftInput) {
  return trainingEvent(ports, input, await recordDrift(ports, input, await judgeDrift(ports, input)));
}

const kept = async (timeframe: string) =>
  (await ports.models.events(parseTimeframe(timeframe), { kind: 'drift', limit: 99 })).length;

test.each([
  ['1h', 71, 72],
  ['1d', 3, 24],
  ['1w', 1, 24],
  ['1M', 1, 24],
])('the error of a shadow of %s over %i origins is no sign, over %i it is', async (timeframe, few, enough) => {
  const signs = async (count: number) => {
    const own = lossesOf(timeframe, MONDAY, 200, 0.02);
    const { signs: found } = await judgeDrift(
      ports,
      inputOf(timeframe, MONDAY, own, lossesOf(timeframe, MONDAY, count, 0.01)),
    );
    return found.map(({ name }) => name);
  };
  expect(await signs(few)).toEqual([]);
  expect(await signs(enough - 1)).toEqual([]);
  expect(await signs(enough)).toEqual(['shadow']);
});

test('I51 what the same origins show day after day is told once and is one observation; a week later it is the second', async () => {
  const drifted = lossesOf('1w', MONDAY, 60, 0.01, 0.5);
  expect(await look(inputOf('1w', MONDAY + DAY, drifted))).toEqual({ trigger: 'drift', observations: 1 });
  for (let day = 2; day <= 7; day++) expect(await look(inputOf('1w', MONDAY + day * DAY, drifted))).toBeNull();
  expect(await kept('1w')).toBe(1);
  const newer = lossesOf('1w', MONDAY + 7 * DAY, 60, 0.01, 0.5);
  expect(await look(inputOf('1w', MONDAY + 8 * DAY, newer))).toEqual({ trigger: 'drift', observations: 2 });
  expect(await look(inputOf('1w', MONDAY + 9 * DAY, newer))).toBeNull();
  expect(await kept('1w')).toBe(2);
});

test('another sign on newer origins is an observation, a calm look ends the row, and one that is scored anew begins another', async () => {
  const at = (day: number, inside80: number, last = MONDAY) =>
    look(inputOf('1w', MONDAY + day * DAY, lossesOf('1w', last, 60, 0.01, inside80)));
  expect(await at(1, 0.5)).toEqual({ trigger: 'drift', observations: 1 });
  expect(await at(2, 0.8)).toBeNull();
  expect(await at(3, 0.5)).toEqual({ trigger: 'drift', observations: 1 });
  expect(await at(4, 0.5)).toBeNull();
  expect(await at(8, 0.95, MONDAY + 7 * DAY)).toEqual({ trigger: 'drift', observations: 2 });
});

test('the same origins under another champion are an observation of that one', async () => {
  const drifted = lossesOf('1w', MONDAY, 60, 0.01, 0.5);
  const input = inputOf('1w', MONDAY + DAY, drifted);
  await look(input);
  const other = {
    ...input,
    asOf: MONDAY + 2 * DAY,
    champion: metadataOf('other', { timeframe: input.timeframe, fits: [] }),
  };
  expect(await look(other)).toMatchObject({ trigger: 'drift' });
  expect(await kept('1w')).toBe(2);
});
