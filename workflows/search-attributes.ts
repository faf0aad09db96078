import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** What a run is: `cycle`, `tick`, `fill`, `shadow`, … */
export const KIND = defineSearchAttributeKey('CoinKind', SearchAttributeType.KEYWORD);
export const TIMEFRAME = defineSearchAttributeKey('CoinTimeframe', SearchAttributeType.KEYWORD);
export const OUTCOME = defineSearchAttributeKey('CoinOutcome', SearchAttributeType.KEYWORD);
/** Symbols the run handled. */
export const SYMBOLS = defineSearchAttributeKey('CoinSymbols', SearchAttributeType.INT);
