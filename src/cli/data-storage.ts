/** `data storage`: how full the storage is, how long it lasts, and what each setting would buy. */
import { STORAGE_THRESHOLDS, daysUntilBlock, storageLevel, usedShare } from '../domain/storage-budget';
import { expectedGrowth, growthPerDay, storageOptions } from '../domain/storage-projection';
import type { StorageOption, StorageState } from '../domain/storage-projection';
import { DAY } from '../domain/timeframe';
import type { StorageSample } from '../ports/data-quality';
import { followedBy } from './followed';
import { print, type FormatOptions } from './output';
import { textFacts, textTable } from './text-table';
import type { CliStores, CliWiring } from './wiring';
import { bytesText, countText, isoText, minuteText, percentText } from './wording';

/** Of a stored candle with its index, as measured; used until the store can be measured itself. */
const CANDLE_BYTES = 64;
const ENOUGH_TO_MEASURE = 100_000;
/** Growth is told from the samples of this long. */
const GROWTH_DAYS = 7;
const CHANGES_SHOWN = 10;
/** No setting keeps candles for a shorter time. */
const SHORTEST_KEPT_DAYS = 14;

export async function bytesPerCandle({ candles }: Pick<CliStores, 'candles'>): Promise<number> {
  const pairs = await candles.pairs();
  const counts = await Promise.all(pairs.map(async (pair) => (await candles.extent(pair))?.count ?? 0));
  const count = counts.reduce((total, one) => total + one, 0);
  const size = await candles.sizeBytes();
  return size === null || count < ENOUGH_TO_MEASURE ? CANDLE_BYTES : size / count;
}

export async function showStorage(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const stores = await wiring.stores();
  const now = wiring.clock.now();
  const state = await storageState(wiring, stores);
  const measured = growthPerDay(await stores.dataQuality.storageSamples(now - GROWTH_DAYS * DAY));
  const growth = measured ?? expectedGrowth(state);
  const level = storageLevel(state.usedBytes, state.budgetBytes);
  const daysLeft = daysUntilBlock(state.usedBytes, state.budgetBytes, growth);
  const choices = storageOptions(state, growth);
  const changes = await stores.dataQuality.storageLevelChanges(CHANGES_SHOWN);
  const share = usedShare(state.usedBytes, state.budgetBytes);
  const facts: [string, string][] = [
    ['level', level === 'block' && share === null ? 'block: usage or budget can not be read' : level],
    ['used', `${sizeText(state.usedBytes)}${share === null ? '' : `, ${percentText(share)} of the budget`}`],
    ['budget', sizeText(state.budgetBytes)],
    ['levels', levelsText(state.budgetBytes)],
    [
      'growth',
      `${signedBytes(growth)} a day, ${measured === null ? 'reckoned from the pairs followed' : `measured over ${GROWTH_DAYS} days at most`}`,
    ],
    ['days until block', daysText(daysLeft)],
    ['a candle takes', bytesText(Math.round(state.bytesPerCandle))],
  ];
  const text = [
    textFacts(facts),
    `\nwhat each setting would buy\n${optionTable(choices)}`,
    ...(changes.length === 0 ? [] : [`\nchanges of level\n${changeTable(changes)}`]),
  ];
  const json = {
    level,
    used_bytes: state.usedBytes,
    budget_bytes: state.budgetBytes,
    thresholds: STORAGE_THRESHOLDS,
    bytes_per_day: growth,
    growth_measured: measured !== null,
    days_until_block: daysLeft,
    bytes_per_candle: state.bytesPerCandle,
    timeframes: state.timeframes.map(({ timeframe, candles }) => ({ timeframe, candles })),
    options: choices.map(({ setting, freesBytes, daysLeft: days }) => ({
      setting,
      frees_bytes: freesBytes,
      days_until_block: days,
    })),
    level_changes: changes.map(({ at, usedBytes, budgetBytes, ...change }) => ({
      at: isoText(at),
      level: change.level,
      used_bytes: usedBytes,
      budget_bytes: budgetBytes,
    })),
  };
  print(wiring, options, { text: text.join(''), json });
}

async function storageState(wiring: CliWiring, stores: CliStores): Promise<StorageState> {
  const config = wiring.config();
  const followed = await followedBy(wiring);
  const counts = new Map<string, number>();
  for (const pair of await stores.candles.pairs()) {
    const count = (await stores.candles.extent(pair))?.count ?? 0;
    counts.set(pair.timeframe, (counts.get(pair.timeframe) ?? 0) + count);
  }
  return {
    ...(await stores.storage.measure()),
    bytesPerCandle: await bytesPerCandle(stores),
    timeframes: config.timeframes.map((timeframe) => {
      const { retention } = config.rules(timeframe);
      const keptDays = retention === 'forever' ? null : retention.days;
      return { timeframe, symbols: followed.symbols.length, candles: counts.get(timeframe) ?? 0, keptDays };
    }),
    shortestKeptDays: SHORTEST_KEPT_DAYS,
  };
}

function sizeText(bytes: number | null): string {
  return bytes === null ? 'not readable' : bytesText(bytes);
}

function signedBytes(bytes: number): string {
  return `${bytes < 0 ? '-' : ''}${bytesText(Math.round(Math.abs(bytes)))}`;
}

function levelsText(budget: number | null): string {
  const words = Object.entries(STORAGE_THRESHOLDS).map(([name, share]) => {
    const at = budget === null ? '' : ` (${bytesText(share * budget)})`;
    return `${name} from ${Math.round(share * 100)} %${at}`;
  });
  return words.join(', ');
}

function daysText(days: number | null): string {
  return days === null ? 'does not grow, or can not be told' : countText(Math.floor(days));
}

function optionTable(options: readonly StorageOption[]): string {
  return textTable<StorageOption>(
    [
      { title: 'setting', cell: (row) => row.setting },
      { title: 'frees', cell: (row) => bytesText(Math.round(row.freesBytes)), align: 'right' },
      { title: 'days until block', cell: (row) => daysText(row.daysLeft), align: 'right' },
    ],
    options,
  );
}

function changeTable(changes: readonly StorageSample[]): string {
  return textTable<StorageSample>(
    [
      { title: 'at (UTC)', cell: (row) => minuteText(row.at) },
      { title: 'level', cell: (row) => row.level },
      { title: 'used', cell: (row) => sizeText(row.usedBytes), align: 'right' },
    ],
    changes,
  );
}
