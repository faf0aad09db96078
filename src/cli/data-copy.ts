/** `data copy`: moves the candles of a source from one kind of store to the other, and proves that they are the same. */
import { createHash } from 'node:crypto';
import { shiftSlots } from '../domain/timeframe';
import { pairKey, type Candle, type EpochMs, type Pair } from '../domain/types';
import type { CandleStore } from '../ports/candle-store';
import { CommandEnd, EXIT_CODES, endWith } from './exit-codes';
import { print, progressTo, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring, StoreKind } from './wiring';
import { countText, lengthText } from './wording';

export interface CopyOptions extends FormatOptions {
  readonly from: StoreKind;
  readonly to: StoreKind;
}

export interface CopyRow extends Pair {
  readonly candles: number;
  /** Candles that were not there before. */
  readonly copied: number;
  /** Hash over the values of all candles, the same on both sides, or null when they differ. */
  readonly sha256: string | null;
}

/** A copy is not a word of the exchange: what the other store already has from there stays, and differs. */
const BEFORE_ANY_FETCH: EpochMs = 0;
const PAGE = 5000;

/**
 * Copies page by page and compares both sides by hash. A page that is there already is left as it is, so a copy that was
 * stopped is gone on with by the same command.
 */
export async function copyStore(wiring: CliWiring, options: CopyOptions): Promise<void> {
  const { from, to } = options;
  if (from === to) throw new CommandEnd(EXIT_CODES.usage, `--from and --to are both ${from}: name two stores.`);
  const [source, target] = [await wiring.candles(from), await wiring.candles(to)];
  const pairs = await source.pairs();
  const extents = await Promise.all(pairs.map(async (pair) => source.extent(pair)));
  const total = extents.reduce((sum, extent) => sum + (extent?.count ?? 0), 0);
  if (total === 0) {
    const where = `of ${wiring.config().dataDir}`;
    throw new CommandEnd(EXIT_CODES.data, `${from} ${where} holds no candle, so nothing was copied: check DATA_DIR.`);
  }
  const tell = progressTo(wiring);
  const started = wiring.clock.monotonic();
  const rows: CopyRow[] = [];
  let done = 0;
  for (const pair of pairs) {
    rows.push(
      await copyPair(source, target, pair, (count, reached) => {
        done += count;
        const elapsed = wiring.clock.monotonic() - started;
        const left = done === 0 ? '' : `, ${lengthText((elapsed / done) * Math.max(0, total - done))} left`;
        const share = Math.floor((100 * done) / total);
        tell(`${share} %  ${pairKey(pair)} to ${new Date(reached).toISOString().slice(0, 10)}${left}`);
      }),
    );
  }
  const table = textTable<CopyRow>(
    [
      { title: 'pair', cell: pairKey },
      { title: 'candles', cell: (row) => countText(row.candles), align: 'right' },
      { title: 'copied', cell: (row) => countText(row.copied), align: 'right' },
      { title: 'sha256', cell: (row) => row.sha256?.slice(0, 16) ?? 'DIFFERENT' },
    ],
    rows,
  );
  const different = rows.filter(({ sha256 }) => sha256 === null);
  const verdict =
    different.length === 0
      ? `the candles of ${from} are in ${to}, the same by hash; to use them set STORE=${to} and start again\n`
      : `${to} has other values in ${different.length} of ${rows.length} pairs: empty it and copy again, or keep using it as it is\n`;
  print(wiring, options, { text: `${table}\n${verdict}`, json: { from, to, pairs: rows } });
  if (different.length > 0) endWith(EXIT_CODES.data);
}

async function copyPair(
  source: CandleStore,
  target: CandleStore,
  pair: Pair,
  onPage: (count: number, reached: EpochMs) => void,
): Promise<CopyRow> {
  const [ours, theirs] = [createHash('sha256'), createHash('sha256')];
  let [candles, copied] = [0, 0];
  for await (const page of pagesOf(source, pair)) {
    const [first, last] = [page[0], page.at(-1)];
    if (first === undefined || last === undefined) break;
    copied += (await target.write(pair, page, BEFORE_ANY_FETCH)).inserted;
    candles += page.length;
    ours.update(textOf(page));
    const range = { from: first.openTime, to: last.openTime, limit: Infinity };
    theirs.update(textOf(await target.read(pair, range)));
    onPage(page.length, last.openTime);
  }
  const [sha256, theirSha256] = [ours.digest('hex'), theirs.digest('hex')];
  return { ...pair, candles, copied, sha256: sha256 === theirSha256 ? sha256 : null };
}

async function* pagesOf(store: CandleStore, pair: Pair): AsyncGenerator<readonly Candle[]> {
  let from: EpochMs | undefined;
  for (;;) {
    const page = await store.read(pair, { limit: PAGE, ...(from === undefined ? {} : { from }) });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = shiftSlots(pair.timeframe, last.openTime, 1);
  }
}

/** One line a candle; numbers as JavaScript writes them, which is exact. */
function textOf(candles: readonly Candle[]): string {
  return candles
    .map(({ openTime, open, high, low, close, volume }) => `${openTime},${open},${high},${low},${close},${volume}\n`)
    .join('');
}
