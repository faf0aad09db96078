/** The symbols that are followed now. */
import type { MarketSymbol } from '../src/domain/types';
import type { ActivityPorts, PipelineSettings } from './ports';

/** Named ones first, in their order, then the discovered ones by rank. */
export async function followedSymbols(ports: {
  readonly settings: Pick<PipelineSettings, 'symbols' | 'discovery'>;
  readonly symbolChoice: ActivityPorts['symbolChoice'];
}): Promise<MarketSymbol[]> {
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
