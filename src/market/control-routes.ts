import { PipelineError } from '../domain/errors';
import type { MarketClock } from './clock';
import { parseRule, parseScenario } from './faults/fault-rules';
import type { FaultDesk } from './faults/fault-layer';
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
  /** Name of the fault that befell it, if one did. */
  readonly fault: string | null;
  /** What the answer's Retry-After said, in milliseconds: nobody may ask again before. */
  readonly retryAfterMs: number | null;
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

/** One rule, or a scenario `{seed, faults}` whose rules draw by its seed, is added; the answer is the list as it is then. */
function addFaults(faults: FaultDesk, body: string): MarketAnswer {
  try {
    const content: unknown = JSON.parse(body);
    const several = typeof content === 'object' && content !== null && 'faults' in content;
    faults.add(several ? parseScenario(content, 'the body') : { faults: [parseRule(content, 'the body')] });
    return jsonAnswer(faults.list());
  } catch (error) {
    const message =
      error instanceof PipelineError ? error.message : 'the body must be JSON: {"fault": "html", "times": 1}';
    return jsonAnswer({ error: message }, 400);
  }
}

export interface ControlledParts {
  readonly feed: Feed;
  readonly clock: MarketClock;
  readonly faults: FaultDesk;
  readonly requests: () => readonly LoggedRequest[];
}

/** What a test or an operator asks of the simulator itself; only from this machine. */
export function createControlRoutes({ feed, clock, faults, requests }: ControlledParts): Route {
  return ({ method, path, body, local }) => {
    if (!local) return errorAnswer(-1000, 'The control paths answer this machine only.', 403);
    switch (`${method} ${path.slice(CONTROL_PATH.length)}`) {
      case 'GET clock':
        return showClock(clock);
      case 'POST clock':
        return setClock(clock, body);
      case 'GET requests':
        return jsonAnswer(requests());
      case 'GET faults':
        return jsonAnswer(faults.list());
      case 'POST faults':
        return addFaults(faults, body);
      case 'DELETE faults':
        faults.clear();
        return jsonAnswer(faults.list());
      case 'GET health':
        return jsonAnswer({ status: 'ok', feed: feed.description, clock: clock.kind, symbols: feed.listings.length });
      default:
        return errorAnswer(-1000, `There is nothing at ${method} ${path}.`, 404);
    }
  };
}
