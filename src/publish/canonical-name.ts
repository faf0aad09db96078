/** The names under which readers know the documents: `history_BTC_USDT_1h.json`. */
import { symbolFileName } from '../domain/types';
import type { Pair } from '../domain/types';

export type DocumentKind = 'history' | 'prediction';

export function canonicalName(kind: DocumentKind, pair: Pair): string {
  return `${kind}_${symbolFileName(pair.symbol)}_${pair.timeframe}.json`;
}

/** True for any name that {@link canonicalName} could have given. */
export function isCanonicalName(name: string): boolean {
  return /^(history|prediction)_[A-Z0-9]{1,20}_[A-Z0-9]{1,20}(_[A-Z0-9-]{1,20})?_\d{1,2}[mhdwM]\.json$/.test(name);
}
