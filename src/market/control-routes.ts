import { PipelineError } from '../domain/errors';
import type { MarketClock } from './clock';
import type { Feed } from './feed';
import { errorAnswer, jsonAnswer } from './layer';
import type { MarketAnswer, Route } from './layer';

export const CONTROL_PATH = '/_control/';

export interface LoggedRequest {
  /** The machine's time, not the market's: it is what pacing is judged by. */
  readonly at: number;
  readonly path: string;
  readonly query: string;
  readonly status: number;
}

function showClock(clock: MarketClock): MarketAnswer {
  const now = clock.now();
  return jsonAnswer({ kind: clock.kind, now, iso: new Date(now).toISOString() });
}

/** `{"now": milliseconds}` or `{"now": "2024-01-01T00:00:00Z"}`. */
function setClock(clock: MarketClock, body: string): MarketAnswer {
  try {
    const content: unknown = JSON.parse(body);
    const now = typeof content === 'object' && content !== null && 'now' in content ? content.now : undefined;
    clock.set(typeof now === 'string' ? Date.parse(now) : Number(now));
    return showClock(clock);
  } catch (error) {
    const message = error instanceof PipelineError ? error.message : 'the body must be JSON: {"now": time}';
    return jsonAnswer({ error: message }, 400);
  }
}

/** What a test or an operator asks of the simulator itself; only from this machine. */
export function createControlRoutes(feed: Feed, clock: MarketClock, requests: () => readonly LoggedRequest[]): Route {
  return ({ method, path, body, local }) => {
    if (!local) return errorAnswer(-1000, 'The control paths answer this machine only.', 403);
    switch (`${method} ${path.slice(CONTROL_PATH.length)}`) {
      case 'GET clock':
        return showClock(clock);
      case 'POST clock':
        return setClock(clock, body);
      case 'GET requests':
        return jsonAnswer(requests());
      case 'GET health':
        return jsonAnswer({ status: 'ok', feed: feed.description, clock: clock.kind, symbols: feed.listings.length });
      default:
        return errorAnswer(-1000, `There is nothing at ${method} ${path}.`, 404);
    }
  };
}
