import type { Config } from '../config/config';
import type { CliWiring } from './wiring';

/** The symbols and timeframes that a filter or an argument can name: the configured ones, and what discovery follows. */
export type Followed = Pick<Config, 'symbols' | 'timeframes'>;

export async function followedBy(wiring: CliWiring): Promise<Followed> {
  const { symbols, timeframes, discovery } = wiring.config();
  if (discovery === null) return { symbols, timeframes };
  const chosen = await (await wiring.stores()).symbolChoice.chosen();
  return { symbols: [...new Set([...symbols, ...chosen.map(({ symbol }) => symbol)])], timeframes };
}
