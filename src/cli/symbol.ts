/** `symbol list`: every symbol that is or was followed, its state and why. Which are followed is configuration. */
import type { Command } from 'commander';
import type { ChosenSymbol } from '../domain/discovery';
import type { EpochMs, MarketSymbol } from '../domain/types';
import { followedBy } from './followed';
import { print, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { countText, isoOrNull, minuteText } from './wording';

interface SymbolRow {
  readonly symbol: MarketSymbol;
  /** Why it is followed. */
  readonly followed: 'named' | 'discovered' | 'not any more';
  readonly state: string;
  readonly since: EpochMs | null;
  readonly reason: string | null;
  readonly choice: ChosenSymbol | null;
  readonly candles: number;
}

export function addSymbol(program: Command, wiring: CliWiring): void {
  const noun = program
    .command('symbol')
    .description('the symbols that are or were followed; SYMBOLS and DISCOVER_TOP decide');
  withFormat(noun.command('list').description('state of every symbol, since when and why')).action(
    async (options: FormatOptions) => list(wiring, options),
  );
}

async function list(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const rows = await symbolRows(wiring);
  const text = textTable<SymbolRow>(
    [
      { title: 'symbol', cell: (row) => row.symbol },
      { title: 'state', cell: (row) => row.state },
      { title: 'since (UTC)', cell: (row) => minuteText(row.since) },
      { title: 'followed', cell: followedText },
      { title: 'candles', cell: (row) => countText(row.candles), align: 'right' },
      { title: 'why', cell: (row) => row.reason ?? '' },
    ],
    rows,
  );
  const json = rows.map(({ symbol, followed, state, since, reason, choice, candles }) => ({
    symbol,
    followed,
    state,
    since: isoOrNull(since),
    reason,
    rank: choice?.rank ?? null,
    candles,
  }));
  print(wiring, options, { text, json: { symbols: json } });
}

function followedText({ followed, choice }: SymbolRow): string {
  return choice === null ? followed : `${followed}, rank ${choice.rank}`;
}

async function symbolRows(wiring: CliWiring): Promise<SymbolRow[]> {
  const stores = await wiring.stores();
  const named = wiring.config().symbols;
  const followed = (await followedBy(wiring)).symbols;
  const chosen = new Map((await stores.symbolChoice.chosen()).map((choice) => [choice.symbol, choice]));
  const states = new Map((await stores.pairState.symbolStates()).map((state) => [state.symbol, state]));
  const candles = new Map<MarketSymbol, number>();
  for (const pair of await stores.candles.pairs()) {
    const count = (await stores.candles.extent(pair))?.count ?? 0;
    candles.set(pair.symbol, (candles.get(pair.symbol) ?? 0) + count);
  }
  return [...new Set([...followed, ...states.keys(), ...candles.keys()])].map((symbol) => {
    const state = states.get(symbol);
    return {
      symbol,
      followed: named.includes(symbol) ? 'named' : followed.includes(symbol) ? 'discovered' : 'not any more',
      state: state?.activation ?? 'not seen yet',
      since: state?.since ?? null,
      reason: state?.reason ?? null,
      choice: chosen.get(symbol) ?? null,
      candles: candles.get(symbol) ?? 0,
    };
  });
}
