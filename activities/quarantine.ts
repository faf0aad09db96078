/** How a symbol goes into quarantine and comes out of it. The event is recorded first: its key makes a repetition tell nothing. */
import { eventOf } from '../src/domain/event';
import { quarantineKey } from '../src/domain/names';
import type { EpochMs, MarketSymbol, Pair, Stage } from '../src/domain/types';
import type { SymbolState } from '../src/ports/pair-state';
import type { Failure } from './contract';
import type { ActivityPorts } from './ports';

/** Failures running after which it is no passing answer. */
const FAILURES_TO_QUARANTINE = 3;

/**
 * A symbol that the exchange says, again and again, it does not trade: its history and what is published of it stay
 * and age honestly (F74), and no cycle asks for it until the daily look finds it well. True when it is in quarantine.
 */
export async function quarantineWhenGone(
  ports: ActivityPorts,
  pair: Pair,
  failure: Pick<Failure, 'code' | 'message'> & { readonly stage: Stage },
  asOf: EpochMs,
): Promise<boolean> {
  if (failure.code !== 'bad_symbol') return false;
  const record = (await ports.pairState.stages(pair)).find(({ stage }) => stage === failure.stage);
  const before = record?.lastCode === 'bad_symbol' ? record.sameCodeCount : 0;
  if (before + 1 < FAILURES_TO_QUARANTINE) return (await stateOf(ports, pair.symbol))?.activation === 'quarantined';
  await quarantine(ports, pair.symbol, failure.message, asOf);
  return true;
}

export async function quarantine(
  ports: ActivityPorts,
  symbol: MarketSymbol,
  reason: string,
  asOf: EpochMs,
): Promise<void> {
  const before = await stateOf(ports, symbol);
  const since = before?.activation === 'quarantined' ? before.since : asOf;
  const key = quarantineKey(symbol, since);
  await ports.events.record([eventOf('symbol_quarantined', since, { key, symbol, detail: reason })]);
  await ports.pairState.setSymbolState({ symbol, activation: 'quarantined', since, reason }, before ?? null);
}

/**
 * The symbol is well: new, or well again. What is stored of it is caught up by the next cycle. One that is followed stays
 * as it is, and one that is shown stays so: it was ready, and what is published ages honestly until then. True when it was
 * in quarantine.
 */
export async function release(ports: ActivityPorts, symbol: MarketSymbol, asOf: EpochMs): Promise<boolean> {
  const before = await stateOf(ports, symbol);
  const reason = 'passed its check; its history is fetched next';
  if (before?.activation === 'quarantined') {
    const alert = quarantineKey(symbol, before.since);
    const key = `symbol_released ${symbol} ${before.since}`;
    const facts = { key, symbol, detail: reason, since: before.since, alert, ends: alert };
    await ports.events.record([eventOf('symbol_released', asOf, facts)]);
  }
  if (before?.activation === 'quarantined' && (await isShown(ports, symbol)))
    await ports.pairState.setSymbolState({ symbol, activation: 'ready', since: asOf, reason: null }, before);
  else if (before === undefined || before.activation === 'quarantined' || before.activation === 'retired')
    await ports.pairState.setSymbolState({ symbol, activation: 'registered', since: asOf, reason }, before ?? null);
  return before?.activation === 'quarantined';
}

async function isShown(ports: ActivityPorts, symbol: MarketSymbol): Promise<boolean> {
  const rows = await ports.publication.rows();
  return rows.some((row) => row.symbol === symbol && row.visibility === 'visible');
}

export async function stateOf(ports: ActivityPorts, symbol: MarketSymbol): Promise<SymbolState | undefined> {
  return (await ports.pairState.symbolStates()).find((state) => state.symbol === symbol);
}
