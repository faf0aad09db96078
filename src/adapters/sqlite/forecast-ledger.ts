import { sql } from 'kysely';
import { QUANTILE_LEVELS } from '../../domain/quantiles';
import type { QuantileForecast } from '../../domain/quantiles';
import { forecastTimes } from '../../domain/timeframe';
import type { EpochMs, Pair } from '../../domain/types';
import type { ForecastLedger, ForecastRecord, ForecastRole, ForecastScore } from '../../ports/forecast-ledger';
import { byForecast, packScores, scoredSteps, unpackScores } from './forecast-scores';
import type { ScoredForecast } from './forecast-scores';
import { packRows, unpackRows } from './number-rows';
import type { StateConnection, StateDatabase } from './state-database';
import type { ForecastTable } from './state-schema';

const LEVELS = QUANTILE_LEVELS.length;
const BYTES_PER_STEP = LEVELS * Float64Array.BYTES_PER_ELEMENT;

type ForecastRow = Omit<ForecastTable, 'id'>;

export class SqliteForecastLedger implements ForecastLedger {
  constructor(private readonly state: StateDatabase) {}

  async append(records: readonly ForecastRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.state.write(async (db) => {
      for (const record of records) {
        await db
          .insertInto('forecast')
          .values(toRow(record))
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    });
  }

  async latest({ symbol, timeframe }: Pair, role: ForecastRole): Promise<ForecastRecord | null> {
    const row = await this.state.read((db) =>
      db
        .selectFrom('forecast')
        .selectAll()
        .where((where) => where.and({ symbol, timeframe, role }))
        .orderBy('data_through', 'desc')
        .orderBy('issued_at', 'desc')
        .orderBy('model_version', 'desc')
        .limit(1)
        .executeTakeFirst(),
    );
    return row === undefined ? null : toRecord(row);
  }

  async list({ symbol, timeframe }: Pair, role: ForecastRole, from: EpochMs, to: EpochMs): Promise<ForecastRecord[]> {
    const rows = await this.state.read((db) =>
      firstIssues(db)
        .where((where) => where.and({ symbol, timeframe, role }))
        .where('data_through', '>=', from)
        .where('data_through', '<=', to)
        .execute(),
    );
    return rows.map(toRecord);
  }

  async unscored(
    { symbol, timeframe }: Pair,
    asOf: EpochMs,
    isEmpty: (close: EpochMs) => boolean = () => false,
  ): Promise<ForecastRecord[]> {
    return this.state.read(async (db) => {
      const rows = await firstIssues(db)
        .where((where) => where.and({ symbol, timeframe }))
        // Spelt out, not bound: the partial index serves only a query that says the same.
        .where(sql<boolean>`fully_scored = 0`)
        .where('data_through', '<', asOf)
        .execute();
      const due: ForecastRecord[] = [];
      for (const row of rows) {
        const record = toRecord(row);
        const scored = scoredSteps(await stepsOf(db, keyOf(row)));
        const targets = forecastTimes(timeframe, record.dataThrough, record.quantiles.length);
        const isDue = (close: EpochMs, index: number): boolean =>
          close <= asOf && !scored.has(index + 1) && !isEmpty(close);
        if (targets.some(isDue)) due.push(record);
      }
      return due;
    });
  }

  async recordScores(scores: readonly ForecastScore[]): Promise<void> {
    if (scores.length === 0) return;
    await this.state.write(async (db) => {
      for (const { key, scores: added } of byForecast(scores)) {
        const steps = packScores([...unpackScores(key, await stepsOf(db, key)), ...added]);
        await db
          .insertInto('forecast_score')
          .values({ ...key, steps })
          .onConflict((conflict) =>
            conflict.columns(['symbol', 'timeframe', 'role', 'data_through', 'model_version']).doUpdateSet({ steps }),
          )
          .execute();
        await db
          .updateTable('forecast')
          .set({ fully_scored: 1 })
          .where((where) => where.and(key))
          .where(sql<number>`length(quantiles)`, '<=', scoredSteps(steps).size * BYTES_PER_STEP)
          .execute();
      }
    });
  }

  async scores({ symbol, timeframe }: Pair, role: ForecastRole, from: EpochMs, to: EpochMs): Promise<ForecastScore[]> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('forecast_score')
        .selectAll()
        .where((where) => where.and({ symbol, timeframe, role }))
        .where('data_through', '>=', from)
        .where('data_through', '<=', to)
        .orderBy('data_through')
        .orderBy('model_version')
        .execute(),
    );
    return rows.flatMap((row) => unpackScores(row, row.steps));
  }
}

/** Without the forecasts that were issued again for the same data and model version. */
function firstIssues(db: StateConnection) {
  return db
    .selectFrom('forecast')
    .selectAll()
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('forecast as earlier')
            .select('earlier.id')
            .whereRef('earlier.symbol', '=', 'forecast.symbol')
            .whereRef('earlier.timeframe', '=', 'forecast.timeframe')
            .whereRef('earlier.role', '=', 'forecast.role')
            .whereRef('earlier.data_through', '=', 'forecast.data_through')
            .whereRef('earlier.model_version', '=', 'forecast.model_version')
            .whereRef('earlier.issued_at', '<', 'forecast.issued_at'),
        ),
      ),
    )
    .orderBy('data_through')
    .orderBy('role')
    .orderBy('model_version');
}

async function stepsOf(db: StateConnection, key: ScoredForecast): Promise<Uint8Array | ArrayBuffer> {
  const row = await db
    .selectFrom('forecast_score')
    .select('steps')
    .where((where) => where.and(key))
    .executeTakeFirst();
  return row?.steps ?? new Uint8Array();
}

function keyOf({ symbol, timeframe, role, data_through, model_version }: ForecastRow): ScoredForecast {
  return { symbol, timeframe, role, data_through, model_version };
}

function toRow(record: ForecastRecord): ForecastRow {
  return {
    symbol: record.pair.symbol,
    timeframe: record.pair.timeframe,
    role: record.role,
    data_through: record.dataThrough,
    model_version: record.modelVersion,
    issued_at: record.issuedAt,
    family: record.family,
    last_close: record.lastClose,
    quantiles: packRows(record.quantiles, LEVELS),
    fully_scored: 0,
  };
}

function toRecord(row: ForecastRow): ForecastRecord {
  return {
    pair: { symbol: row.symbol, timeframe: row.timeframe },
    role: row.role,
    issuedAt: row.issued_at,
    dataThrough: row.data_through,
    modelVersion: row.model_version,
    family: row.family,
    lastClose: row.last_close,
    quantiles: unpackRows(row.quantiles, LEVELS) as unknown as QuantileForecast,
  };
}
