/** `why`: one pair explained in sentences, from the exchange to the file, with the next step. */
import type { Command } from 'commander';
import { cycleScheduleId } from '../domain/names';
import { firingAlerts } from '../domain/monitor-memory';
import { DAY } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { Pair, TimeframeId } from '../domain/types';
import { TemporalUnreachable, type ScheduleView } from '../ports/control';
import { followedBy } from './followed';
import { configuredSymbol, configuredTimeframe } from './arguments';
import { retainedFrom } from './data-coverage';
import { print, withFormat, type FormatOptions } from './output';
import { pairCoverage } from './pair-coverage';
import { pairStatuses } from './pair-status';
import type { CliStores, CliWiring } from './wiring';
import { isoText } from './wording';
import { whySteps, type PairFacts, type Step } from './why-steps';

export function addWhy(program: Command, wiring: CliWiring): void {
  withFormat(
    program.command('why').description('why a pair is as it is, from the exchange to the file, and what to do'),
  )
    .argument('<symbol>', 'like BTC/USDT')
    .argument('<timeframe>', 'like 1h')
    .action(async (symbol: string, timeframe: string, options: FormatOptions) => {
      const config = await followedBy(wiring);
      const pair = { symbol: configuredSymbol(config, symbol), timeframe: configuredTimeframe(config, timeframe) };
      const facts = await factsOf(wiring, pair);
      const steps = whySteps(facts);
      // The step that holds the data up is the first that went wrong: the later ones follow from it.
      const next = steps.find((step) => !step.ok && step.next !== null)?.next ?? null;
      print(wiring, options, { text: whyText(steps, next), json: whyJson(facts, steps, next) });
    });
}

async function factsOf(wiring: CliWiring, pair: Pair): Promise<PairFacts> {
  const config = wiring.config();
  const stores = await wiring.stores();
  const now = wiring.clock.now();
  const rules = config.rules(pair.timeframe);
  const [status] = await pairStatuses(stores, config, [pair], now);
  const [generation = null] = await stores.publication.generations(1);
  if (status === undefined) throw new Error('one pair was judged and gave no status');
  return {
    now,
    source: stores.source,
    bannedUntil: await stores.budget.bannedUntil(stores.source),
    stages: await stores.pairState.stages(pair),
    schedule: await scheduleOf(wiring, pair.timeframe),
    coverage: await pairCoverage(stores, pair, now, config.settleMs, retainedFrom(config, pair, now)),
    symbol: (await stores.pairState.symbolStates()).find((state) => state.symbol === pair.symbol) ?? null,
    predicts: rules.horizon > 0,
    minimumSamples: rules.minimumSamples,
    forecast: await stores.forecastLedger.latest(pair, 'champion'),
    generation,
    champion: await stores.models.champion(pair.timeframe),
    watch: await watchOf(stores, pair),
    status,
  };
}

/** What the monitor remembers of the pair, and the newest thing it told of it. */
async function watchOf(stores: CliStores, pair: Pair): Promise<PairFacts['watch']> {
  const last = await stores.monitor.last();
  if (last === null) return null;
  const firing = firingAlerts(last.memory).filter((alert) => alert.pairKey === pairKey(pair));
  const told = await stores.outbox.events(last.asOf - TOLD_WITHIN_MS, EVENTS_READ);
  const own = told.find(({ event }) => event.symbol === pair.symbol && event.timeframe === pair.timeframe);
  return { lookedAt: last.asOf, firing, told: own ?? null };
}

const TOLD_WITHIN_MS = 7 * DAY;
const EVENTS_READ = 5_000;

async function scheduleOf(wiring: CliWiring, timeframe: TimeframeId): Promise<ScheduleView | null | string> {
  try {
    const schedules = await (await wiring.control()).schedules();
    return schedules.find((schedule) => schedule.id === cycleScheduleId(timeframe)) ?? null;
  } catch (error) {
    if (error instanceof TemporalUnreachable)
      return `The Temporal server at ${error.address} does not answer, so no cycle starts.`;
    throw error;
  }
}

function whyText(steps: readonly Step[], next: string | null): string {
  const lines = steps.map((step) => `${step.ok ? 'ok' : '!!'}  ${step.what.padEnd(8)}  ${step.sentence}`);
  return `${lines.join('\n')}\n\nnext: ${next ?? 'nothing to do'}\n`;
}

function whyJson({ now, source, status }: PairFacts, steps: readonly Step[], next: string | null): unknown {
  return {
    ...status.pair,
    source,
    as_of: isoText(now),
    status: status.verdict.status,
    serve_allowed: status.verdict.serveAllowed,
    degraded: status.verdict.degraded,
    steps,
    next,
  };
}
