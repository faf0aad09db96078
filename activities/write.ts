/** Confirmed write of a live page. Revisions are kept in the audit; the ledger forgets slots that now have a candle. */
import { PipelineError } from '../src/domain/errors';
import type { Candle } from '../src/domain/types';
import { storePage } from '../src/ingest/stored-page';
import type { CandleRow, WriteInput, WriteResult } from './contract';
import type { ActivityPorts } from './ports';
import { forEachSymbol } from './stage';

export function createWrite(ports: ActivityPorts) {
  return (input: WriteInput) =>
    forEachSymbol<WriteResult>(ports, 'ingest', input, async (pair) => {
      const page = input.pages.find(({ symbol }) => symbol === pair.symbol);
      if (page === undefined) throw new PipelineError('invalid_input', `no candles were handed on for ${pair.symbol}`);
      const candles = page.rows.map(candleOf);
      const outcome = await storePage(ports, pair, candles, page.fetchedAt);
      return { inserted: outcome.inserted, revised: outcome.revisions.length };
    });
}

export function rowOf({ openTime, open, high, low, close, volume }: Candle): CandleRow {
  return [openTime, open, high, low, close, volume];
}

function candleOf([openTime, open, high, low, close, volume]: CandleRow): Candle {
  return { openTime, open, high, low, close, volume };
}
