/** I02 I31 I40 I43 SPEC6: the ledger of forecasts and of their scores. */
import { endOf, opensAt } from './calendar';
import { SETTLE_MS, newestRuns } from './candles';
import type { Stored } from './candles';
import { doubles, keyOf, timeframeOf } from './database-file';
import type { DatabaseFile, Row } from './database-file';
import type { Findings } from './findings';

export const HORIZON = 24;
const LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975];
/** Two years of the widest honest bands stay within this factor of the last close. */
const ABSURD = 100;

export interface LedgerForecast {
  readonly key: string;
  readonly role: string;
  readonly dataThrough: number;
  readonly issuedAt: number;
  readonly version: string;
  readonly lastClose: number;
  /** Seven prices a step. */
  readonly steps: readonly (readonly number[])[];
}

/** Closes by the end of their candle, by pair. */
export type Closes = ReadonlyMap<string, ReadonlyMap<number, number>>;

export function closesByEnd(stored: Stored): Closes {
  return new Map(
    [...stored].map(([key, series]) => [
      key,
      new Map([...series].map(([open, values]) => [endOf(timeframeOf(key), open), values[3]])),
    ]),
  );
}

export function readForecasts(state: DatabaseFile): LedgerForecast[] {
  return state.all('SELECT * FROM forecast ORDER BY issued_at, id').map((row) => ({
    key: keyOf(row),
    role: String(row.role),
    dataThrough: Number(row.data_through),
    issuedAt: Number(row.issued_at),
    version: String(row.model_version),
    lastClose: Number(row.last_close),
    steps: doubles(row.quantiles, LEVELS.length),
  }));
}

const nameOf = ({ key, role, dataThrough, version }: LedgerForecast): string =>
  `${key} ${role} ${dataThrough} ${version}`;
const nameOfScore = (row: Row): string =>
  `${keyOf(row)} ${String(row.role)} ${String(row.data_through)} ${String(row.model_version)}`;

/** Closes that a revision replaced, by `BTC/USDT 1h` and the end of the candle. */
function replacedCloses(state: DatabaseFile): ReadonlySet<string> {
  const rows = state.all('SELECT * FROM revision');
  return new Set(
    rows.map((row) => {
      const { close } = JSON.parse(String(row.before)) as { readonly close: number };
      return `${keyOf(row)} ${endOf(String(row.timeframe), Number(row.open_time))} ${close}`;
    }),
  );
}

export function checkForecasts(
  findings: Findings,
  state: DatabaseFile,
  forecasts: readonly LedgerForecast[],
  closes: Closes,
): void {
  checkRegistry(findings, state, forecasts);
  const replaced = replacedCloses(state);
  const naive = new Set(
    forecasts.filter(({ role }) => role === 'naive').map(({ key, dataThrough }) => `${key} ${dataThrough}`),
  );
  for (const forecast of forecasts) {
    const { key, role, steps, dataThrough, issuedAt, lastClose } = forecast;
    const where = nameOf(forecast);
    findings.holds(
      'I43 steps',
      steps.length === HORIZON && opensAt(timeframeOf(key), dataThrough),
      () => `${where}: has ${steps.length} steps, or does not start at a boundary`,
    );
    findings.holds('I02 through', dataThrough <= issuedAt, () => `${where}: rests on a candle that had not closed`);
    findings.holds(
      'I02 through',
      closes.get(key)?.get(dataThrough) === lastClose || replaced.has(`${key} ${dataThrough} ${lastClose}`),
      () => `${where}: does not start from the close of its last candle`,
    );
    findings.holds('I40 sane', steps.every(isOrdered), () => `${where}: is not finite, positive and ascending`);
    const near = steps.every(
      (row) => (row.at(-1) ?? Infinity) <= lastClose * ABSURD && (row[0] ?? 0) * ABSURD >= lastClose,
    );
    findings.holds('I40 sane', near, () => `${where}: is absurdly far from the last close`);
    if (role === 'champion') {
      findings.holds('SPEC6 yardstick', naive.has(`${key} ${dataThrough}`), () => `${where}: has no naive forecast`);
    }
  }
}

/** So long after it was asked for a change may take effect: its model is tried on every symbol first. */
const TRIED_MS = 10 * 60_000;

function checkRegistry(findings: Findings, state: DatabaseFile, forecasts: readonly LedgerForecast[]): void {
  const changes = state.all('SELECT timeframe, version, at FROM champion_change ORDER BY at, id');
  const runs = state.all('SELECT timeframe, as_of, started_at, ended_at FROM cycle_run');
  const known = new Map<string, ReadonlySet<unknown>>();
  const championsAt = (timeframe: string, issuedAt: number): ReadonlySet<unknown> => {
    const name = `${timeframe} ${issuedAt}`;
    const champions = known.get(name) ?? championsOf(of(timeframe, changes), of(timeframe, runs), issuedAt);
    known.set(name, champions);
    return champions;
  };
  for (const forecast of forecasts.filter(({ role }) => role === 'champion')) {
    findings.holds(
      'I31 registry',
      championsAt(timeframeOf(forecast.key), forecast.issuedAt).has(forecast.version),
      () => `${nameOf(forecast)}: is by a model that was no champion then`,
    );
  }
}

const of = (timeframe: string, rows: readonly Row[]): Row[] => rows.filter((row) => row.timeframe === timeframe);

/**
 * Versions that a forecast issued then may be by: the champion of then, and on both sides of a change that came while its
 * run was under way, or had been asked for just before.
 */
function championsOf(changes: readonly Row[], runs: readonly Row[], issuedAt: number): ReadonlySet<unknown> {
  const settled = changes.findLast(({ at }) => Number(at) <= issuedAt - TRIED_MS);
  const isUnderWay = (at: number): boolean =>
    runs.some(
      (run) => Number(run.as_of) === issuedAt && Number(run.started_at) <= at && at <= Number(run.ended_at ?? Infinity),
    );
  const recent = changes.filter(({ at }) => {
    const time = Number(at);
    return (time > issuedAt - TRIED_MS && time <= issuedAt) || isUnderWay(time);
  });
  return new Set([settled, ...recent].map((change) => change?.version));
}

export function isOrdered(row: readonly number[]): boolean {
  return row.every((value, k) => Number.isFinite(value) && value > 0 && (k === 0 || value >= (row[k - 1] ?? Infinity)));
}

/** Step, actual, absolute error, symmetric error, pinball loss, facts. */
export type ScoreRow = readonly number[];
const SCORE_WIDTH = 6;

export interface Scores {
  readonly forecast: LedgerForecast;
  readonly rows: readonly ScoreRow[];
}

/** The first issue for one pair, role, data and version is the one that is scored. */
export function checkScores(
  findings: Findings,
  state: DatabaseFile,
  forecasts: readonly LedgerForecast[],
  closes: Closes,
): Scores[] {
  const first = new Map<string, LedgerForecast>();
  for (const forecast of forecasts) if (!first.has(nameOf(forecast))) first.set(nameOf(forecast), forecast);
  const found: Scores[] = [];
  for (const row of state.all('SELECT * FROM forecast_score')) {
    const forecast = first.get(nameOfScore(row));
    findings.holds('SPEC6 scored', forecast !== undefined, () => `${nameOfScore(row)}: has scores without a forecast`);
    if (forecast === undefined) continue;
    const rows = doubles(row.steps, SCORE_WIDTH);
    for (const score of rows) checkScore(findings, forecast, score, closes);
    found.push({ forecast, rows });
  }
  checkScored(findings, state, first, found, closes);
  return found;
}

function targetsOf({ key, dataThrough }: LedgerForecast): number[] {
  let target = dataThrough;
  return Array.from({ length: HORIZON }, () => (target = endOf(timeframeOf(key), target)));
}

const close = (a: number | undefined, b: number): boolean => Math.abs((a ?? Number.NaN) - b) <= 1e-9 * Math.abs(b);

function checkScore(findings: Findings, forecast: LedgerForecast, score: ScoreRow, closes: Closes): void {
  const [step = 0, actual = Number.NaN, error, symmetric, pinball, facts = 0] = score;
  const prices = forecast.steps[step - 1] ?? [];
  const [low95 = 0, low80 = 0, low50 = 0, median = 0, high50 = 0, high80 = 0, high95 = 0] = prices;
  const target = targetsOf(forecast)[step - 1] ?? Number.NaN;
  const loss = LEVELS.reduce((sum, level, k) => {
    const difference = actual - (prices[k] ?? Number.NaN);
    return sum + (difference >= 0 ? level * difference : (level - 1) * difference);
  }, 0);
  const right =
    closes.get(forecast.key)?.get(target) === actual &&
    close(error, Math.abs(actual - median)) &&
    close(symmetric, Math.abs(actual - median) / ((actual + median) / 2)) &&
    close(pinball, loss / LEVELS.length / forecast.lastClose) &&
    ((facts & 1) !== 0) === (actual >= low50 && actual <= high50) &&
    ((facts & 2) !== 0) === (actual >= low80 && actual <= high80) &&
    ((facts & 4) !== 0) === (actual >= low95 && actual <= high95);
  findings.holds('SPEC6 score', right, () => `${nameOf(forecast)} step ${step}: is scored ${score.join(', ')}`);
}

/** Every step whose target had closed by the newest run of its timeframe, and is stored, has its score; no other has. */
function checkScored(
  findings: Findings,
  state: DatabaseFile,
  first: ReadonlyMap<string, LedgerForecast>,
  scores: readonly Scores[],
  closes: Closes,
): void {
  const scored = new Map(
    scores.map(({ forecast, rows }) => [nameOf(forecast), new Set(rows.map(([step = 0]) => step))]),
  );
  const newest = newestRuns(state);
  for (const [name, forecast] of first) {
    const asOf = newest.get(timeframeOf(forecast.key)) ?? Number.NEGATIVE_INFINITY;
    for (const [k, target] of targetsOf(forecast).entries()) {
      const due = target + SETTLE_MS <= asOf && closes.get(forecast.key)?.has(target) === true;
      const has = scored.get(name)?.has(k + 1) === true;
      findings.holds(
        'SPEC6 scored',
        due === has,
        () => `${name} step ${k + 1}: ${has ? 'is scored before its target' : 'has no score'}`,
      );
    }
  }
}
