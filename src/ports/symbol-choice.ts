import type { ChosenSymbol } from '../domain/discovery';

/** The symbols that discovery follows, besides those that are named in the configuration. */
export interface SymbolChoice {
  /** By rank. */
  chosen(): Promise<ChosenSymbol[]>;
  /** Replaces all. */
  choose(symbols: readonly ChosenSymbol[]): Promise<void>;
}
