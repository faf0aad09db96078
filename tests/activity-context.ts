/** Runs an activity as it is, without a server: what it asks of its surroundings is there and says nothing. */
import { asyncLocalStorage, Context } from '@temporalio/activity';
import type { Info } from '@temporalio/activity';

export function inActivity<T>(work: () => Promise<T>): Promise<T> {
  const make = Context as unknown as new (...parts: unknown[]) => Context;
  const info: Partial<Info> = { startToCloseTimeoutMs: 30_000 };
  const never = new Promise(() => {});
  return asyncLocalStorage.run(new make(info, never, new AbortController().signal, () => {}), work);
}
