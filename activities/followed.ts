/** The symbols that are followed now, and how one goes into quarantine. */
import type { EpochMs, MarketSymbol, Pair, Stage } from '../src/domain/types';
import type { SymbolState } from '../src/ports/pair-state';
import type { Failure } from './contract';
import type { ActivityPorts } from './ports';

/** Named ones first, in their order, then the discovered ones by rank. */
export async function followedSymbols(ports: ActivityPorts): Promise<MarketSymbol[]> {
  const chosen = ports.settings.discovery === null ? [] : await ports.symbolChoice.chosen();
  return [...new Set([...ports.settings.symbols, ...chosen.map(({ symbol }) => symbol)])];
}

/** Those of them that cycles work on: a symbol in quarantine is only looked at once a day. */
export async function workedSymbols(ports: ActivityPorts): Promise<MarketSymbol[]> {
  const states = await ports.pairState.symbolStates();
  const quarantined = new Set(
    states.filter(({ activation }) => activation === 'quarantined').map(({ symbol }) => symbol),
  );
  return (await followedSymbols(ports)).filter((symbol) => !quarantined.has(symbol));
}

/** Keeps the time of the first of equal states, so that it is told once. */
export async function setSymbolStateOnce(ports: ActivityPorts, state: SymbolState): Promise<boolean> {
  const states = await ports.pairState.symbolStates();
  const before = states.find(({ symbol }) => symbol === state.symbol);
  if (before?.activation === state.activation && before.reason === state.reason) return false;
  const since = before?.activation === state.activation ? before.since : state.since;
  await ports.pairState.setSymbolState({ ...state, since });
  return before?.activation !== state.activation;
}

/** Failures running after which it is no passing answer. */
const FAILURES_TO_QUARANTINE = 3;

/**
 * A symbol that the exchange says, again and again, it does not trade: its history and what is published of it stay
 * and age honestly (F74), and no cycle asks for it until the daily look finds it well.
 */
export async function quarantineWhenGone(
  ports: ActivityPorts,
  pair: Pair,
  failure: Pick<Failure, 'code' | 'message'> & { readonly stage: Stage },
  asOf: EpochMs,
): Promise<void> {
  if (failure.code !== 'bad_symbol') return;
  const record = (await ports.pairState.stages(pair)).find(({ stage }) => stage === failure.stage);
  const before = record?.lastCode === 'bad_symbol' ? record.failureCount : 0;
  if (before + 1 < FAILURES_TO_QUARANTINE) return;
  const { symbol } = pair;
  const reason = failure.message;
  if (await setSymbolStateOnce(ports, { symbol, activation: 'quarantined', since: asOf, reason }))
    ports.log.warn({ symbol, reason }, 'in quarantine: the exchange does not trade it any more');
}
