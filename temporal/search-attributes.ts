/** Search attributes must exist on the server before a run can carry one; these are ours and how they get there. */
import type { Connection } from '@temporalio/client';
import { KIND, OUTCOME, SYMBOLS, TIMEFRAME } from '../workflows/search-attributes';

/** By name, as `temporal operator search-attribute create` spells the types. */
export const SEARCH_ATTRIBUTE_TYPES: Readonly<Record<string, 'Keyword' | 'Int'>> = {
  [KIND.name]: 'Keyword',
  [TIMEFRAME.name]: 'Keyword',
  [OUTCOME.name]: 'Keyword',
  [SYMBOLS.name]: 'Int',
};

/** `temporal.api.enums.v1.IndexedValueType` */
const INDEXED_VALUE_TYPES = { Keyword: 2, Int: 3 } as const;

/** Adds the missing ones to a namespace; those that exist stay as they are. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(SEARCH_ATTRIBUTE_TYPES).filter(
    ([name]) => !Object.hasOwn(customAttributes ?? {}, name),
  );
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED_VALUE_TYPES[type]])),
  });
}
