/** The way of one pair from the exchange to the file, a sentence a step, each with what mends it. */
import { ERROR_TABLE } from '../domain/errors';
import { EVENT_TABLE } from '../domain/event';
import type { FiringAlert } from '../domain/monitor-memory';
import { SYMBOLS_DAILY } from '../domain/names';
import { closeOf } from '../domain/timeframe';
import { pairKey, type EpochMs, type Stage } from '../domain/types';
import type { ToldEvent } from '../ports/alert-outbox';
import type { ScheduleView } from '../ports/control';
import type { ForecastRecord } from '../ports/forecast-ledger';
import type { StageRecord, SymbolState } from '../ports/pair-state';
import type { GenerationRecord } from '../ports/publication';
import { coverageWords, type PairCoverage } from './pair-coverage';
import type { ChampionChange } from '../ports/model-registry';
import type { PairStatusRow } from './pair-status';
import { agoText, countText, isoText, plural } from './wording';

export interface Step {
  readonly what:
    | 'exchange'
    | 'schedule'
    | 'store'
    | 'symbol'
    | 'gate'
    | 'model'
    | 'forecast'
    | 'files'
    | 'served'
    | 'alerts';
  readonly ok: boolean;
  readonly sentence: string;
  /** What the operator does; null when nothing. */
  readonly next: string | null;
}

export interface PairFacts {
  readonly now: EpochMs;
  readonly source: string;
  readonly bannedUntil: EpochMs | null;
  readonly stages: readonly StageRecord[];
  /** Null: there is none. A text: why it can not be told. */
  readonly schedule: ScheduleView | null | string;
  readonly coverage: PairCoverage;
  readonly symbol: SymbolState | null;
  readonly predicts: boolean;
  readonly minimumSamples: number;
  readonly forecast: ForecastRecord | null;
  readonly generation: GenerationRecord | null;
  /** Null before the first: then the configuration's family forecasts. */
  readonly champion: ChampionChange | null;
  /** Null before the monitor's first round. */
  readonly watch: {
    readonly lookedAt: EpochMs;
    readonly firing: readonly FiringAlert[];
    /** The newest event about the pair in a week. */
    readonly told: ToldEvent | null;
  } | null;
  readonly status: PairStatusRow;
}

/** All steps, in the order in which the data flows. */
export function whySteps(facts: PairFacts): Step[] {
  const model = facts.champion === null ? [] : [modelStep(facts.champion, facts.now)];
  const predicted = facts.predicts ? [gateStep(facts), ...model, forecastStep(facts)] : [];
  // No cycle fetches for a symbol in quarantine, so what its store lacks is not the reason, and mends nothing.
  const held = facts.symbol?.activation === 'quarantined';
  const stored = held ? [symbolStep(facts), storeStep(facts)] : [storeStep(facts), symbolStep(facts)];
  const early = [exchangeStep(facts), scheduleStep(facts), ...stored];
  const told = facts.watch === null ? [] : [alertsStep(facts.watch, facts.now)];
  return [...early, ...predicted, filesStep(facts), servedStep(facts), ...told];
}

function fine(what: Step['what'], sentence: string): Step {
  return { what, ok: true, sentence, next: null };
}

function wrong(what: Step['what'], sentence: string, next: string | null): Step {
  return { what, ok: false, sentence, next };
}

/** The stage that failed last among those given, as a step; null when none is failing. */
function failing(facts: PairFacts, what: Step['what'], stages: readonly Stage[]): Step | null {
  const [record] = facts.stages
    .filter((candidate) => stages.includes(candidate.stage) && candidate.failureCount > 0)
    .toSorted((a, b) => (b.lastFailureAt ?? 0) - (a.lastFailureAt ?? 0));
  if (record === undefined) return null;
  const entry = record.lastCode === null ? null : ERROR_TABLE[record.lastCode];
  const when = record.lastFailureAt === null ? '' : `, last ${agoText(record.lastFailureAt, facts.now)}`;
  const cause = [entry?.meaning, record.lastMessage].filter((part) => part !== null && part !== undefined).join(' - ');
  const since =
    record.lastSuccessAt === null
      ? 'it never succeeded'
      : `it last succeeded ${agoText(record.lastSuccessAt, facts.now)}`;
  const times = plural(record.failureCount, 'time');
  return wrong(
    what,
    `The stage ${record.stage} failed ${times} in a row${when}; ${since}. Cause: ${cause}.`,
    entry?.remedy ?? null,
  );
}

function lastSuccess(facts: PairFacts, stages: readonly Stage[]): EpochMs | null {
  const times = facts.stages
    .filter((record) => stages.includes(record.stage))
    .map((record) => record.lastSuccessAt ?? 0);
  const newest = Math.max(0, ...times);
  return newest === 0 ? null : newest;
}

const FETCHING: readonly Stage[] = ['preflight', 'detect', 'ingest', 'repair'];

function exchangeStep(facts: PairFacts): Step {
  const { bannedUntil, now, source } = facts;
  if (bannedUntil !== null && bannedUntil > now) {
    const sentence = `${source} asked for no requests until ${isoText(bannedUntil)} (${agoText(bannedUntil, now)}).`;
    return wrong('exchange', sentence, 'wait; requests start again by themselves');
  }
  const failure = failing(facts, 'exchange', FETCHING);
  if (failure !== null) return failure;
  const asked = lastSuccess(facts, FETCHING);
  if (asked === null)
    return wrong(
      'exchange',
      `${source} has not been asked for this pair yet.`,
      `run "cycle run ${facts.coverage.pair.timeframe}"`,
    );
  return fine('exchange', `${source} answered ${agoText(asked, now)}.`);
}

function scheduleStep({ schedule, now, coverage, source }: PairFacts): Step {
  if (source === 'replay')
    return fine('schedule', '"coin-predict replay" runs the cycles; a later --to runs it further.');
  if (typeof schedule === 'string') return wrong('schedule', schedule, 'start everything with "coin-predict up"');
  if (schedule === null)
    return wrong('schedule', `No schedule starts the cycle of ${coverage.pair.timeframe}.`, 'run "schedule apply"');
  if (schedule.paused) {
    const note = schedule.note === '' ? '' : `: ${schedule.note}`;
    return wrong('schedule', `The schedule ${schedule.id} is paused${note}.`, `run "schedule resume ${schedule.id}"`);
  }
  const next = schedule.nextRuns[0];
  const when = next === undefined ? 'at no known time' : `${agoText(next, now)}, at ${isoText(next)}`;
  return fine('schedule', `The schedule ${schedule.id} starts the next cycle ${when}.`);
}

function storeStep(facts: PairFacts): Step {
  const { coverage, now } = facts;
  const { extent, pair } = coverage;
  const fill = `run "data backfill --symbol ${pair.symbol} --timeframe ${pair.timeframe}"`;
  if (extent === null) return wrong('store', `No candle of ${pairKey(pair)} is stored.`, fill);
  const through = closeOf(pair.timeframe, extent.last);
  const sentence = `${plural(extent.count, 'candle')} stored, the last closed ${isoText(through)} (${agoText(through, now)}): ${coverageWords(coverage)}.`;
  if (coverage.before > 0 || coverage.unexplained > 0) return wrong('store', sentence, fill);
  if (coverage.behind > 0) return wrong('store', sentence, `run "cycle run ${pair.timeframe}"`);
  return fine('store', sentence);
}

function symbolStep({ symbol, coverage, now }: PairFacts): Step {
  const name = coverage.pair.symbol;
  if (symbol === null) return wrong('symbol', `${name} has no known state, so it is hidden.`, 'run "cycle run 1h"');
  const reason = symbol.reason === null ? '' : `: ${symbol.reason}`;
  const sentence = `${name} is ${symbol.activation} since ${isoText(symbol.since)} (${agoText(symbol.since, now)})${reason}.`;
  if (symbol.activation === 'ready') return fine('symbol', sentence);
  if (symbol.activation === 'quarantined') {
    const next = `nothing: the daily look takes it back when it is well; "schedule trigger ${SYMBOLS_DAILY}" looks now`;
    return wrong('symbol', `${sentence} What is published of it stays and ages.`, next);
  }
  return wrong('symbol', `${sentence} It is shown once it is ready.`, 'see "data status" for its fills');
}

function gateStep(facts: PairFacts): Step {
  const failure = failing(facts, 'gate', ['gate']);
  if (failure !== null) return failure;
  const reason = facts.status.row?.gateReason ?? null;
  if (reason !== null) return wrong('gate', `The gate refused: ${reason}.`, ERROR_TABLE.insufficient_data.remedy);
  const count = facts.coverage.extent?.count ?? 0;
  const need = `${countText(count)} of at least ${countText(facts.minimumSamples)} candles`;
  if (count < facts.minimumSamples) return wrong('gate', `There are ${need}.`, ERROR_TABLE.insufficient_data.remedy);
  return fine('gate', `Enough candles to forecast: ${need}.`);
}

function forecastStep(facts: PairFacts): Step {
  const failure = failing(facts, 'forecast', ['predict']);
  if (failure !== null) return failure;
  const { forecast, now } = facts;
  if (forecast === null) return wrong('forecast', 'Nothing has been forecast yet.', 'wait for the next cycle');
  const sentence = `${forecast.family} forecast ${agoText(forecast.issuedAt, now)} on data through ${isoText(forecast.dataThrough)}.`;
  if (facts.status.verdict.degraded)
    return wrong('forecast', `${sentence} Newer data has no forecast: the last good one is served.`, null);
  return fine('forecast', sentence);
}

function filesStep(facts: PairFacts): Step {
  const { generation, now, status } = facts;
  const block = status.row?.exportBlock ?? null;
  if (block !== null)
    return wrong(
      'files',
      `The last export failed, so the pair is blocked: ${block}.`,
      ERROR_TABLE.export_failed.remedy,
    );
  const failure = failing(facts, 'files', ['export', 'manifest']);
  if (failure !== null) return failure;
  if (generation === null) return wrong('files', 'No manifest has been published yet.', 'wait for the first cycle');
  const named = `the manifest (generation ${generation.generation})`;
  if (status.row?.visibility !== 'visible') return wrong('files', `Nothing of this pair is in ${named}.`, null);
  if (status.row.history === null) {
    return wrong('files', `No candle of it has closed yet: ${named} names it without documents.`, null);
  }
  const updated = agoText(status.row.updatedAt, now);
  return fine(
    'files',
    `Documents were written ${updated}; the manifest is generation ${generation.generation}, ${agoText(generation.generatedAt, now)}.`,
  );
}

function servedStep({ status }: PairFacts): Step {
  const { verdict } = status;
  const reason = verdict.reason === null ? '' : `: ${verdict.reason}`;
  const sentence = `The pair is ${verdict.status} and ${verdict.serveAllowed ? 'served' : 'not served'}${reason}.`;
  return verdict.status === 'fresh' && verdict.serveAllowed
    ? fine('served', sentence)
    : wrong('served', sentence, null);
}

function modelStep({ version, at, kind, by, reason }: ChampionChange, now: EpochMs): Step {
  const how = `${kind} by ${by}: ${reason}`;
  return fine('model', `Champion is ${version} since ${isoText(at)} (${agoText(at, now)}; ${how}).`);
}

/** What operators were told; the runbook of what fires is the next step when no earlier step has one. */
function alertsStep({ lookedAt, firing, told }: NonNullable<PairFacts['watch']>, now: EpochMs): Step {
  const looked = `The monitor looked ${agoText(lookedAt, now)}`;
  const last =
    told === null
      ? 'nothing was told in a week'
      : `${told.event.kind} was told ${agoText(told.event.at, now)} (${told.delivery})`;
  const [alert] = firing;
  if (alert === undefined) return fine('alerts', `${looked}: no alert is firing; ${last}.`);
  const kinds = firing.map(({ kind }) => kind).join(', ');
  const { runbook } = EVENT_TABLE[alert.kind];
  const next = runbook === null ? null : `follow docs/runbooks/${runbook}`;
  return wrong('alerts', `${looked}: ${kinds} is firing; ${last}.`, next);
}
