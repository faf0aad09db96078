/** `data audit`: candles that changed after they were stored, with the old values, and what comparisons with the exchange found. */
import { sameValues } from '../domain/candle';
import { pairKey, type Candle, type Pair } from '../domain/types';
import type { Mismatch } from '../ports/data-quality';
import type { EpochMs } from '../domain/types';
import { selectedPairs } from './arguments';
import type { PairFilter } from './data-coverage';
import { followedBy } from './followed';
import { print, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { isoText, minuteText, priceText } from './wording';

interface ChangeRow {
  readonly pair: Pair;
  readonly before: Candle;
  readonly after: Candle;
  readonly at: EpochMs;
}

interface MismatchRow extends Mismatch {
  readonly pair: Pair;
}

export async function showAudit(wiring: CliWiring, options: FormatOptions & PairFilter): Promise<void> {
  const { pairState, dataQuality } = await wiring.stores();
  const changes: ChangeRow[] = [];
  const mismatches: MismatchRow[] = [];
  for (const pair of selectedPairs(await followedBy(wiring), options)) {
    changes.push(...(await pairState.revisions(pair)).map((revision) => ({ pair, ...revision })));
    mismatches.push(...(await dataQuality.mismatches(pair)).map((mismatch) => ({ pair, ...mismatch })));
  }
  const text = [
    changes.length === 0 ? 'no candle changed after it was stored\n' : changeTable(changes),
    mismatches.length === 0 ? 'no comparison with the exchange found anything\n' : `\n${mismatchTable(mismatches)}`,
  ];
  const json = {
    changes: changes.map(({ pair, before, after, at }) => ({
      ...pair,
      open_time: isoText(after.openTime),
      at: isoText(at),
      before,
      after,
    })),
    mismatches: mismatches.map(({ pair, openTime, firstAt, lastAt, ...rest }) => ({
      symbol: pair.symbol,
      timeframe: pair.timeframe,
      open_time: isoText(openTime),
      first_at: isoText(firstAt),
      last_at: isoText(lastAt),
      kind: rest.kind,
      severity: rest.severity,
      times_running: rest.times,
    })),
  };
  print(wiring, options, { text: text.join(''), json });
}

function changeTable(rows: readonly ChangeRow[]): string {
  return textTable<ChangeRow>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'candle (UTC)', cell: (row) => minuteText(row.after.openTime) },
      { title: 'seen (UTC)', cell: (row) => minuteText(row.at) },
      { title: 'what changed', cell: changeText },
    ],
    rows,
  );
}

const FIELDS = ['open', 'high', 'low', 'close', 'volume'] as const;

function changeText({ before, after }: ChangeRow): string {
  if (sameValues(before, after)) return 'nothing';
  const changed = FIELDS.filter((field) => before[field] !== after[field]);
  return changed.map((field) => `${field} ${priceText(before[field])} -> ${priceText(after[field])}`).join(', ');
}

function mismatchTable(rows: readonly MismatchRow[]): string {
  return textTable<MismatchRow>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'candle (UTC)', cell: (row) => minuteText(row.openTime) },
      { title: 'found', cell: (row) => row.kind },
      { title: 'severity', cell: (row) => (row.times === 0 ? 'over' : row.severity) },
      { title: 'times running', cell: (row) => String(row.times), align: 'right' },
      { title: 'last (UTC)', cell: (row) => minuteText(row.lastAt) },
    ],
    rows,
  );
}
