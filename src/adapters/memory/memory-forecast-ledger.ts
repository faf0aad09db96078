import { forecastTimes } from '../../domain/timeframe';
import { pairKey } from '../../domain/types';
import type { EpochMs, Pair } from '../../domain/types';
import type { ForecastLedger, ForecastRecord, ForecastRole, ForecastScore } from '../../ports/forecast-ledger';

/** For tests. */
export class MemoryForecastLedger implements ForecastLedger {
  readonly #records = new Map<string, ForecastRecord>();
  readonly #scores = new Map<string, ForecastScore>();

  async append(records: readonly ForecastRecord[]): Promise<void> {
    for (const record of records) {
      const key = `${forecastKey(record)} ${record.issuedAt}`;
      if (!this.#records.has(key)) this.#records.set(key, record);
    }
  }

  async latest(pair: Pair, role: ForecastRole): Promise<ForecastRecord | null> {
    const newestFirst = [...this.#records.values()]
      .filter((record) => record.role === role && pairKey(record.pair) === pairKey(pair))
      .toSorted(
        (a, b) => b.dataThrough - a.dataThrough || b.issuedAt - a.issuedAt || byText(b.modelVersion, a.modelVersion),
      );
    return newestFirst[0] ?? null;
  }

  async list(pair: Pair, role: ForecastRole, from: EpochMs, to: EpochMs): Promise<ForecastRecord[]> {
    return this.#firstIssues(pair).filter(
      (record) => record.role === role && record.dataThrough >= from && record.dataThrough <= to,
    );
  }

  async unscored(
    pair: Pair,
    asOf: EpochMs,
    isEmpty: (close: EpochMs) => boolean = () => false,
  ): Promise<ForecastRecord[]> {
    return this.#firstIssues(pair).filter((record) =>
      forecastTimes(pair.timeframe, record.dataThrough, record.quantiles.length).some(
        (close, index) => close <= asOf && !isEmpty(close) && !this.#scores.has(`${forecastKey(record)} ${index + 1}`),
      ),
    );
  }

  async recordScores(scores: readonly ForecastScore[]): Promise<void> {
    for (const score of scores) this.#scores.set(`${forecastKey(score)} ${score.step}`, score);
  }

  async scores(pair: Pair, role: ForecastRole, from: EpochMs, to: EpochMs): Promise<ForecastScore[]> {
    return [...this.#scores.values()]
      .filter((score) => score.role === role && pairKey(score.pair) === pairKey(pair))
      .filter((score) => score.dataThrough >= from && score.dataThrough <= to)
      .toSorted((a, b) => byForecast(a, b) || a.step - b.step);
  }

  #firstIssues(pair: Pair): ForecastRecord[] {
    const first = new Map<string, ForecastRecord>();
    for (const record of this.#records.values()) {
      const known = first.get(forecastKey(record));
      const ofPair = pairKey(record.pair) === pairKey(pair);
      if (ofPair && (known === undefined || record.issuedAt < known.issuedAt)) first.set(forecastKey(record), record);
    }
    return [...first.values()].toSorted(byForecast);
  }
}

type Forecast = Pick<ForecastRecord, 'pair' | 'role' | 'dataThrough' | 'modelVersion'>;

function forecastKey({ pair, role, dataThrough, modelVersion }: Forecast): string {
  return JSON.stringify([pairKey(pair), role, dataThrough, modelVersion]);
}

function byForecast(a: Forecast, b: Forecast): number {
  return a.dataThrough - b.dataThrough || byText(a.role, b.role) || byText(a.modelVersion, b.modelVersion);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
