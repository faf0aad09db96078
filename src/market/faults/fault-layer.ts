/** Puts the rules of faults between the clients and the market, and counts what fired. */
import type { Layer, MarketAnswer, MarketRequest } from '../layer';
import { RandomDraws } from '../random-draws';
import { FAULTS } from './fault-rules';
import type { FaultRule, Scenario } from './fault-rules';

export interface RuleState {
  readonly rule: FaultRule;
  /** Requests it could have befallen. */
  readonly matched: number;
  /** Requests it has befallen. */
  readonly fired: number;
}

export interface FaultDesk {
  readonly layer: Layer;
  /**
   * Adds rules behind those there are: of several that would fire, the first one does. A rule's draws follow from its seed,
   * its place among all rules and its name.
   */
  add(scenario: Scenario): void;
  /** Takes all rules away: the same ones, added again, draw the same again. */
  clear(): void;
  list(): readonly RuleState[];
}

/** Draws of one request and rule lie this far apart. */
const DRAWS_A_REQUEST = 4096;

class ActiveRule implements RuleState {
  matched = 0;
  fired = 0;
  readonly memory = new Map<string, unknown>();
  readonly #draws: RandomDraws;

  constructor(
    readonly rule: FaultRule,
    seed: string,
    place: number,
  ) {
    this.#draws = new RandomDraws(`${seed} ${place} ${rule.fault}`);
  }

  /** The faulty answer, or null when this rule leaves the request alone. */
  async befall(
    request: MarketRequest,
    next: (other?: MarketRequest) => Promise<MarketAnswer>,
  ): Promise<MarketAnswer | null> {
    const fault = FAULTS[this.rule.fault];
    if (fault === undefined || !this.#matches(request)) return null;
    const from = this.rule.from ?? Number.NEGATIVE_INFINITY;
    const until = this.rule.until ?? Number.POSITIVE_INFINITY;
    if (fault.always !== true && (request.now < from || request.now >= until)) return null;
    const number = this.matched;
    this.matched += 1;
    if (number < this.rule.after || this.fired >= (this.rule.times ?? Number.POSITIVE_INFINITY)) return null;
    const draw = (place: number): number => this.#draws.uniform((number * DRAWS_A_REQUEST + place) | 0);
    if (draw(0) >= this.rule.probability) return null;
    const answer = await fault.act({
      parameters: this.rule.with,
      request,
      next,
      from,
      until,
      draw: (place) => draw(1 + place),
      memory: this.memory,
    });
    if (answer === null) return null;
    this.fired += 1;
    return { ...answer, fault: this.rule.fault };
  }

  #matches({ path, query }: MarketRequest): boolean {
    const { symbol, timeframe, path: end, fault: name } = this.rule;
    const befalls = FAULTS[name]?.befalls ?? 'any';
    const paths = typeof befalls === 'string' ? [befalls] : befalls;
    return (
      (paths.includes('any') || paths.some((one) => path.endsWith(`/${one}`))) &&
      (end === undefined || path.endsWith(end)) &&
      (symbol === undefined || query.get('symbol') === symbol.replace('/', '')) &&
      (timeframe === undefined || query.get('interval') === timeframe)
    );
  }
}

export function createFaultDesk(start: Scenario): FaultDesk {
  let rules: readonly ActiveRule[] = [];
  const add = ({ seed = start.seed ?? '1', faults }: Scenario): void => {
    for (const rule of faults) rules = [...rules, new ActiveRule(rule, seed, rules.length)];
  };
  add(start);
  return {
    layer: async (request, next) => {
      for (const rule of rules) {
        const answer = await rule.befall(request, next);
        if (answer !== null) return answer;
      }
      return next();
    },
    add,
    clear: () => {
      rules = [];
    },
    list: () => rules.map(({ rule, matched, fired }) => ({ rule, matched, fired })),
  };
}
