import type { RequestPriority } from '../../ports/exchange';

/** Lets a few requests out at a time; live ones go before fills. */
export interface RequestQueue {
  /** Resolves when it is the caller's turn; the function it gives must be called when the request is over. */
  enter(priority: RequestPriority, signal?: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly priority: RequestPriority;
  readonly start: () => void;
}

export function createRequestQueue(places: number): RequestQueue {
  let free = places;
  let waiting: Waiting[] = [];

  function leave(): void {
    const next = waiting.find(({ priority }) => priority === 'live') ?? waiting[0];
    if (next === undefined) free++;
    else {
      waiting = waiting.filter((entry) => entry !== next);
      next.start();
    }
  }

  return {
    async enter(priority, signal) {
      signal?.throwIfAborted();
      if (free > 0) free--;
      else {
        await new Promise<void>((resolve) => {
          waiting.push({ priority, start: resolve });
        });
      }
      if (signal?.aborted === true) {
        leave();
        signal.throwIfAborted();
      }
      return leave;
    },
  };
}
