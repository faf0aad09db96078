import type { EpochMs } from '../domain/types';

export interface MarketRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  /** Whether it comes from this machine. */
  readonly local: boolean;
  /** The market's time when the request came: one answer has one time. */
  readonly now: EpochMs;
}

export interface MarketAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How it is sent, when not at once and whole: cut in the middle of the body, reset before it, late, or slowly. */
  readonly sending?: 'cut' | 'reset' | { readonly hangMs: number } | { readonly bytesPerSecond: number };
  /** Name of the fault that made it. */
  readonly fault?: string;
}

/** Stands between server and routes: may answer itself, change request or answer of what follows, or wait. */
export type Layer = (
  request: MarketRequest,
  next: (other?: MarketRequest) => Promise<MarketAnswer>,
) => Promise<MarketAnswer>;
export type Route = (request: MarketRequest) => MarketAnswer;

export function jsonAnswer(content: unknown, status = 200): MarketAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json;charset=UTF-8' },
    body: JSON.stringify(content),
  };
}

/** An error in the exchange's own form, `{code, msg}`. */
export function errorAnswer(code: number, message: string, status = 400): MarketAnswer {
  return jsonAnswer({ code, msg: message }, status);
}

/** One function out of layers, the first one outermost, around the routes. */
export function stackLayers(
  layers: readonly Layer[],
  routes: Route,
): (request: MarketRequest) => Promise<MarketAnswer> {
  const from = async (index: number, request: MarketRequest): Promise<MarketAnswer> => {
    const layer = layers[index];
    if (layer === undefined) return routes(request);
    return layer(request, (other = request) => from(index + 1, other));
  };
  return (request) => from(0, request);
}
