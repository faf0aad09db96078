import type { MarketSymbol } from '../src/domain/types';
import type { ActivityPorts } from './ports';

/** Configured symbols that may be shown: those a model must be able to forecast. */
export async function readySymbols(ports: ActivityPorts): Promise<MarketSymbol[]> {
  const states = await ports.pairState.symbolStates();
  const ready = new Set(states.flatMap(({ symbol, activation }) => (activation === 'ready' ? [symbol] : [])));
  return ports.settings.symbols.filter((symbol) => ready.has(symbol));
}
