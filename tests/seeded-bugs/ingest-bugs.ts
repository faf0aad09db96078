/** Bugs on the way of a candle from the exchange into the store. */
import type { SeededBug } from './seeded-bug';

export const INGEST_BUGS: readonly SeededBug[] = [
  {
    name: 'store_open_candle',
    file: 'src/domain/candle.ts',
    text: 'if (!isClosed(timeframe, openTime, closedAsOf, settleMs)) {',
    instead: 'if (openTime > newestOpen) {',
    caughtBy: { kind: 'scene', rule: 'I01 closed', alone: true },
  },
  {
    name: 'forward_fill_stored',
    file: 'src/ingest/stored-page.ts',
    text: 'const outcome = await ports.candles.write(pair, candles, fetchedAt, async ({ revisions, range }) => {',
    instead: `const filled = [...candles];
      for (const [k, candle] of candles.entries()) {
        const step = (candles[1]?.openTime ?? Infinity) - (candles[0]?.openTime ?? 0);
        const next = candles[k + 1];
        for (let at = candle.openTime + step; next !== undefined && at < next.openTime; at += step)
          filled.push({ ...candle, openTime: at, volume: 0 });
      }
      const outcome = await ports.candles.write(pair, filled, fetchedAt, async ({ revisions, range }) => {`,
    caughtBy: { kind: 'scene', rule: 'I04 invented', alone: true },
  },
  {
    name: 'malformed_row_stored',
    file: 'src/domain/candle.ts',
    // The page and the store's own door ask this one rule.
    text: "if (![open, high, low, close, volume].every(Number.isFinite)) return 'non_finite';",
    instead: 'if (Number.isFinite(open)) return null;',
    caughtBy: { kind: 'scene', rule: 'I09 sound', alone: true },
  },
  {
    name: 'duplicates_in_page_order',
    file: 'src/domain/candle.ts',
    text: 'candles: [...slots.values()].flatMap((variants) => (variants.length === 1 ? variants : [])).toSorted(byOpenTime),',
    instead: 'candles: [...slots.values()].flatMap((variants) => (variants.length === 1 ? variants : [])),',
    caughtBy: {
      kind: 'test',
      test: 'tests/unit/domain/candle-page.test.ts',
      title: 'I06 F68',
    },
  },
  {
    name: 'cursor_on_empty',
    file: 'src/ingest/pages.ts',
    text: 'const second = await this.ask(cursor, otherLimit(this.limit));',
    instead: 'const second = first;',
    caughtBy: { kind: 'scene', rule: 'I61 cursor' },
  },
  {
    name: 'gap_called_empty_after_one_ask',
    file: 'src/domain/gap-decision.ts',
    text: 'const ASKS_WHEN_SETTLED = 2;',
    instead: 'const ASKS_WHEN_SETTLED = 1;',
    caughtBy: { kind: 'scene', rule: 'I61 empty' },
  },
  {
    name: 'hole_forgotten',
    file: 'src/ingest/repair.ts',
    text: 'if (gaps.length > 0) await this.ports.gapLedger.record(pair, gaps);',
    instead: '',
    caughtBy: { kind: 'scene', rule: 'I03 explained', alone: true },
  },
  {
    name: 'repair_finds_and_drops',
    file: 'src/ingest/repair.ts',
    text: 'const { refused } = await storePage(this.ports, pair, found, askedAt);',
    instead: 'const refused: readonly { openTime: number }[] = [];',
    caughtBy: { kind: 'scene', rule: 'I11 complete', alone: true },
  },
  {
    name: 'change_of_a_candle_ignored',
    file: 'src/adapters/sqlite/candle-statements.ts',
    text: 'this.#update.run([open, high, low, close, volume, fetchedAt, series, openTime]);',
    instead: 'void [open, high, low, close, volume, fetchedAt, series, openTime];',
    caughtBy: { kind: 'scene', rule: 'I12 equal', alone: true },
  },
  {
    name: 'silent_revision',
    file: 'src/ingest/stored-page.ts',
    text: 'if (revisions.length > 0) await ports.pairState.recordRevisions(pair, revisions, auditedAt);',
    instead: '',
    caughtBy: { kind: 'scene', rule: 'I07 revised' },
  },
  {
    name: 'no_ban_gate',
    file: 'src/adapters/sqlite/rate-budget.ts',
    text: 'if (banned > 0) return',
    instead: 'if (banned > 1e15) return',
    caughtBy: { kind: 'scene', rule: 'I60 ban' },
  },
];
