/** What happened to the models of a replay, line by line from top to bottom; what repeats is told once, with how often. */
import type { ReplayReport } from '../src/cli/wiring';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { ModelMetadata } from '../src/ports/model-metadata';
import type { ChampionChange, LifecycleEvent } from '../src/ports/model-registry';
import type { Stores } from './stores';

type StoryLine = ReplayReport['story'][number];

interface Told {
  readonly event: StoryLine['event'];
  readonly sentence: string;
  /** What must be equal for two of the same event to be told as one; null: each is told by itself. */
  readonly same: string | null;
}

interface Line extends Told {
  readonly of: LifecycleEvent;
  readonly seconds: number[];
  until: EpochMs;
  times: number;
}

const CHANGES: Readonly<
  Record<ChampionChange['kind'], { readonly event: StoryLine['event']; readonly words: string }>
> = {
  first: { event: 'first_champion', words: 'first champion is' },
  promotion: { event: 'promoted', words: 'promoted' },
  rollback: { event: 'rolled_back', words: 'rolled back to' },
  naive: { event: 'changed_to_naive', words: 'changed to naive:' },
  refit: { event: 'fitted_again', words: 'fitted again:' },
};

/** Every timeframe, ascending by time; events after `until` are left out. */
export async function replayStory(
  { state }: Stores,
  timeframes: readonly TimeframeId[],
  until: EpochMs,
): Promise<StoryLine[]> {
  const lines: StoryLine[] = [];
  for (const timeframe of timeframes) {
    const newestFirst = await state.models.events(timeframe, { limit: Number.MAX_SAFE_INTEGER });
    const events = newestFirst.toReversed().filter(({ at }) => at <= until);
    const models = new Map((await state.models.models(timeframe)).map((model) => [model.model_version, model]));
    const firstForecast = await forecastsBegin(state, timeframe, until);
    for (const line of foldEvents(events, models)) {
      const { of, event, sentence, seconds, times } = line;
      lines.push({
        at: iso(of.at),
        until: iso(line.until),
        times,
        timeframe,
        event,
        version: of.version,
        by: of.by,
        sentence,
        mean_seconds: seconds.length === 0 ? null : sum(seconds) / seconds.length,
        blocked_by: of.criteria.filter(({ passed }) => !passed).map(({ name }) => name),
        effective_at: of.kind === 'change' ? firstForecast(of) : null,
      });
    }
  }
  return lines.toSorted((a, b) => placeOf(a).localeCompare(placeOf(b)));
}

/** A training is told before the shadow that comes of it, which is registered before the training is closed. */
function placeOf({ at, event }: StoryLine): string {
  return `${at} ${event === 'trained' ? 0 : 1}`;
}

/** Ascending events into lines. A day like the one before is no new line; a change of champion or shadow begins anew. */
export function foldEvents(events: readonly LifecycleEvent[], models: Models): readonly Line[] {
  const lines: Line[] = [];
  const open = new Map<string, Line>();
  for (const of of events) {
    const told = TELL[of.kind](of, models);
    if (told === null || (told.event === 'drift_over' && open.get('drift')?.event !== 'drift')) continue;
    const topic = told.event === 'drift_over' ? 'drift' : of.kind;
    const before = open.get(topic);
    const seconds = typeof of.facts.duration_ms === 'number' ? [of.facts.duration_ms / 1000] : [];
    if (before !== undefined && told.same !== null && before.same === told.same) {
      before.times += 1;
      before.until = of.at;
      before.seconds.push(...seconds);
      continue;
    }
    if (of.kind === 'change' || of.kind === 'shadow') open.clear();
    const line: Line = { ...told, of, seconds, until: of.at, times: 1 };
    open.set(topic, line);
    lines.push(line);
  }
  return lines;
}

type Models = ReadonlyMap<string, ModelMetadata>;
type Teller = (event: LifecycleEvent, models: Models) => Told | null;

/** Null: not worth a line. */
const TELL: Readonly<Record<LifecycleEvent['kind'], Teller>> = {
  trigger: ({ verdict, reason }) => {
    if (verdict !== 'refused') return null;
    return { event: 'training_refused', sentence: `not trained: ${reason}`, same: reason.replaceAll(/[\d.]+/g, '#') };
  },
  training: ({ verdict, version, reason, facts }, models) => {
    const why = String(facts.trigger);
    const failed = { event: 'training_failed', sentence: `training (${why}) failed: ${reason}`, same: null } as const;
    if (verdict === 'failed') return failed;
    const symbols = (models.get(version ?? '')?.fits ?? []).map(({ symbol }) => symbol).join(', ');
    const on = symbols === '' ? '' : ` on ${symbols}`;
    const left = verdict === 'partial' ? `; left out: ${String(facts.failed)}` : '';
    const sentence = `trained${on} (${why}): ${reason}${left}`;
    return { event: 'trained', sentence, same: `${why} ${version} ${verdict}` };
  },
  shadow: ({ verdict, version, reason }, models) => {
    const model = named(version, models);
    return verdict === 'failed'
      ? { event: 'shadow_failed', sentence: `shadow ${model} failed: ${reason}`, same: `failed ${version}` }
      : { event: 'shadow_started', sentence: `${model} forecasts as shadow`, same: `started ${version}` };
  },
  decision: ({ verdict, version, reason, facts, criteria }, models) => {
    const failed = criteria.filter(({ passed }) => !passed).map(({ name }) => name);
    const sentence = `gate on shadow ${named(version, models)} (${facts.basis}): ${verdict}, ${shortened(reason)}`;
    return { event: 'decided', sentence, same: [version, verdict, facts.champion, facts.basis, ...failed].join(' ') };
  },
  drift: ({ verdict, version, reason, criteria }, models) => {
    const model = named(version, models);
    if (verdict !== 'drift') {
      return { event: 'drift_over', sentence: `no sign of drift of ${model} any more`, same: 'calm' };
    }
    const names = criteria.map(({ name }) => name).join(' ');
    return { event: 'drift', sentence: `drift of champion ${model}: ${reason}`, same: `${version} ${names}` };
  },
  change: ({ verdict, version, reason, by, facts }, models) => {
    const model = named(version, models);
    if (verdict === 'refused') {
      return { event: 'change_refused', sentence: `${model} did not become champion (${by}): ${reason}`, same: null };
    }
    const { event, words } = CHANGES[verdict as ChampionChange['kind']];
    const before = facts.previous === null ? '' : `, ${named(String(facts.previous), models)} was champion (${by})`;
    return { event, sentence: `${words} ${model}${before}: ${reason}`, same: null };
  },
  report: ({ reason }) => ({
    event: 'report_failed',
    sentence: `the models were not judged in full: ${reason}`,
    same: reason,
  }),
  frozen: ({ reason }) => ({ event: 'frozen', sentence: `automatic changes are frozen: ${reason}`, same: null }),
  unfrozen: ({ reason }) => ({
    event: 'unfrozen',
    sentence: `automatic changes are allowed again: ${reason}`,
    same: null,
  }),
};

/** Numbers with four digits: the decision itself keeps them all. */
function shortened(text: string): string {
  return text.replaceAll(/\d+\.\d{5,}/g, (number) => String(Number(Number(number).toPrecision(4))));
}

/** `theta {"window":500} 0123456789abcdef`. */
function named(version: string | null, models: Models): string {
  const model = models.get(version ?? '');
  if (model === undefined) return version ?? 'unknown';
  const settings = Object.keys(model.settings).length === 0 ? '' : ` ${JSON.stringify(model.settings)}`;
  return `${model.family}${settings} ${model.model_version}`;
}

/** When a new champion issued its first forecast of the timeframe. */
async function forecastsBegin(
  { forecastLedger, pairState }: Stores['state'],
  timeframe: TimeframeId,
  until: EpochMs,
): Promise<(change: LifecycleEvent) => string | null> {
  const issued: { readonly version: string; readonly at: EpochMs }[] = [];
  for (const { symbol } of await pairState.symbolStates()) {
    for (const { modelVersion, issuedAt } of await forecastLedger.list({ symbol, timeframe }, 'champion', 0, until)) {
      issued.push({ version: modelVersion, at: issuedAt });
    }
  }
  return ({ at, version }) => {
    const times = issued.filter((one) => one.version === version && one.at >= at).map((one) => one.at);
    return times.length === 0 ? null : iso(times.reduce((a, b) => Math.min(a, b)));
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function iso(time: EpochMs): string {
  return new Date(time).toISOString();
}
