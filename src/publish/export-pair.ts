/** What one pair publishes: its documents as objects on disk, then its row. */
import { createHash } from 'node:crypto';
import { ERROR_TABLE, PipelineError } from '../domain/errors';
import { mayReplace } from '../domain/run-order';
import { pairKey } from '../domain/types';
import type { Candle, EpochMs, Pair } from '../domain/types';
import type { TimeframeRules } from '../domain/timeframe-rules';
import { MINUTE, closeOf } from '../domain/timeframe';
import type { Clock } from '../ports/clock';
import type { ForecastRecord } from '../ports/forecast-ledger';
import type { PublicationRow, PublicationStore } from '../ports/publication';
import type { PublishedFiles } from '../ports/published-files';
import { canonicalDocument, canonicalJson } from './canonical-json';
import { historySchema, predictionSchema } from './documents';
import type { PastForecasts, Quality } from './documents';
import { buildHistory } from './history';
import { buildPrediction } from './prediction';

export interface PublishedForecast {
  readonly record: ForecastRecord;
  readonly quality: Quality;
  readonly past: PastForecasts;
}

export interface ExportInput {
  readonly pair: Pair;
  /** The run's fixed time; a row never goes back to an older one. */
  readonly asOf: EpochMs;
  readonly rules: Pick<TimeframeRules, 'softMinutes' | 'hardMinutes' | 'horizon'>;
  /** What `readServedCandles` gave; none for a pair whose first candle has not closed: it is shown without documents. */
  readonly candles: readonly Candle[];
  /** Null keeps the prediction that is published. */
  readonly prediction: PublishedForecast | null;
  /** The forecast of this run failed. */
  readonly degraded: boolean;
  /** Why the gate refused, with its counts, or null. */
  readonly gateReason: string | null;
  readonly symbolState: string;
  /** Operational facts for the operators' manifest, once it is known what went wrong in this export. */
  readonly ops: (faults: ExportFaults) => Readonly<Record<string, unknown>>;
}

/** By stage; `predict` is the forecast that was refused. Empty when all went well. */
export type ExportFaults = Readonly<Partial<Record<'export' | 'predict', unknown>>>;

export interface ExportResult {
  readonly row: PublicationRow;
  /** False when the row of a later run stands; then nothing was changed. */
  readonly accepted: boolean;
  /** Why the forecast was not published: the last good one stays and the row is degraded (I42). */
  readonly refusedForecast: PipelineError | null;
}

export interface ExportPorts {
  readonly publication: PublicationStore;
  readonly files: PublishedFiles;
  readonly source: string;
  readonly clock: Clock;
}

/**
 * Writes the documents of a pair and its row. The manifest does not change before `commitManifest`.
 * @throws PipelineError `export_failed`, `disk_full` or the store's; the pair is then blocked until an export succeeds.
 */
export async function exportPair(ports: ExportPorts, input: ExportInput): Promise<ExportResult> {
  const previous = await rowOf(ports.publication, input.pair);
  const now = ports.clock.now();
  const next = { asOf: input.asOf, dataThrough: dataThroughOf(input) };
  if (previous !== null && !mayReplace(previous, next, now)) {
    return { row: previous, accepted: false, refusedForecast: null };
  }
  const absentUntil = ((await ports.publication.generations(1))[0]?.generation ?? 0) + 1;
  try {
    const { refusedForecast, ...documents } = await writeDocuments(ports, input, previous);
    const ops = input.ops(refusedForecast === null ? {} : { predict: refusedForecast });
    const row: PublicationRow = {
      ...baseRow({ ...input, ops }),
      ...documents,
      absentUntil,
      visibility: 'visible',
      degraded: input.degraded || refusedForecast !== null,
      exportBlock: null,
      gateReason: input.gateReason,
    };
    return { row, accepted: await ports.publication.upsert(row, now), refusedForecast };
  } catch (error) {
    await block(ports, input, { absentUntil, ...previous }, error);
    throw error;
  }
}

export function baseRow(
  input: Pick<ExportInput, 'pair' | 'asOf' | 'rules' | 'symbolState'> & Pick<PublicationRow, 'ops'>,
): Pick<PublicationRow, 'symbol' | 'timeframe' | 'predicts' | 'softMs' | 'hardMs' | 'symbolState' | 'asOf' | 'ops'> {
  return {
    symbol: input.pair.symbol,
    timeframe: input.pair.timeframe,
    predicts: input.rules.horizon > 0,
    softMs: input.rules.softMinutes * MINUTE,
    hardMs: input.rules.hardMinutes * MINUTE,
    symbolState: input.symbolState,
    asOf: input.asOf,
    ops: input.ops,
  };
}

export async function rowOf(publication: PublicationStore, pair: Pair): Promise<PublicationRow | null> {
  const rows = await publication.rows();
  return rows.find((row) => row.symbol === pair.symbol && row.timeframe === pair.timeframe) ?? null;
}

type Documents = Pick<
  PublicationRow,
  'history' | 'prediction' | 'dataThrough' | 'predictionDataThrough' | 'updatedAt'
> & { readonly refusedForecast: PipelineError | null };

const NO_DOCUMENTS = { history: null, prediction: null, dataThrough: null, predictionDataThrough: null };

async function writeDocuments(
  ports: ExportPorts,
  input: ExportInput,
  previous: PublicationRow | null,
): Promise<Documents> {
  if (input.candles.length === 0 && !previous?.history)
    return { ...NO_DOCUMENTS, updatedAt: input.asOf, refusedForecast: null };
  const { text, ...written } = historyText(ports.source, input, previous);
  const history = await ports.files.putObject(text);
  const predicts = input.rules.horizon > 0;
  const kept = {
    prediction: predicts ? (previous?.prediction ?? null) : null,
    predictionDataThrough: predicts ? (previous?.predictionDataThrough ?? null) : null,
  };
  if (input.prediction === null) return { history, ...written, ...kept, refusedForecast: null };
  const prediction = predictionText(ports.source, input, input.prediction);
  if (prediction instanceof PipelineError) return { history, ...written, ...kept, refusedForecast: prediction };
  return {
    history,
    ...written,
    prediction: await ports.files.putObject(prediction),
    predictionDataThrough: input.prediction.record.dataThrough,
    refusedForecast: null,
  };
}

function dataThroughOf({ pair, candles }: ExportInput): EpochMs | null {
  const last = candles.at(-1);
  return last === undefined ? null : closeOf(pair.timeframe, last.openTime);
}

function ageLimits({ rules }: ExportInput): { softMs: number; hardMs: number } {
  return { softMs: rules.softMinutes * MINUTE, hardMs: rules.hardMinutes * MINUTE };
}

/**
 * The same candles give the same bytes: a repeated or rebuilt export keeps the time at which this content was first
 * published, so that `updated_at` never makes old data look renewed.
 */
function historyText(
  source: string,
  input: ExportInput,
  previous: PublicationRow | null,
): { text: string; dataThrough: EpochMs; updatedAt: EpochMs } {
  const write = (updatedAt: EpochMs): string => {
    const document = buildHistory({ source, pair: input.pair, candles: input.candles, updatedAt, ...ageLimits(input) });
    try {
      // Every candle was checked when the document was built and all have one shape: parsing thousands costs more than
      // all the rest of an export.
      historySchema.parse({ ...document, data: document.data.slice(-1) });
      return canonicalJson(document);
    } catch (cause) {
      throw new PipelineError('export_failed', `${pairKey(input.pair)}: the history breaks its schema`, { cause });
    }
  };
  const dataThrough = dataThroughOf(input) ?? Number.NaN;
  if (previous?.history && previous.dataThrough === dataThrough && previous.updatedAt <= input.asOf) {
    const text = write(previous.updatedAt);
    const same = createHash('sha256').update(text).digest('hex') === previous.history.sha256;
    if (same) return { text, dataThrough, updatedAt: previous.updatedAt };
  }
  return { text: write(input.asOf), dataThrough, updatedAt: input.asOf };
}

/** The body, or why this forecast may not be published. */
function predictionText(source: string, input: ExportInput, forecast: PublishedForecast): string | PipelineError {
  const { pair, candles, rules } = input;
  try {
    if (pairKey(forecast.record.pair) !== pairKey(pair)) {
      throw new PipelineError(
        'forecast_invalid',
        `${pairKey(pair)}: the forecast is of ${pairKey(forecast.record.pair)}`,
      );
    }
    const document = buildPrediction({ source, ...forecast, ...ageLimits(input), horizon: rules.horizon, candles });
    return canonicalDocument(predictionSchema, document);
  } catch (cause) {
    if (cause instanceof PipelineError) return cause;
    return new PipelineError('forecast_invalid', `${pairKey(pair)}: the prediction breaks its schema`, { cause });
  }
}

/** The message may name files of this machine, so the public reason is only the code's meaning. */
async function block(
  ports: ExportPorts,
  input: ExportInput,
  previous: Partial<PublicationRow>,
  error: unknown,
): Promise<void> {
  const code = error instanceof PipelineError ? error.code : 'export_failed';
  const message = error instanceof Error ? error.message : String(error);
  const ops = { ...input.ops({ export: error }), export_error: message };
  const row: PublicationRow = {
    ...NO_DOCUMENTS,
    visibility: 'visible',
    updatedAt: input.asOf,
    gateReason: input.gateReason,
    ...previous,
    ...baseRow({ ...input, ops }),
    degraded: input.degraded || (previous.degraded ?? false),
    exportBlock: ERROR_TABLE[code].meaning,
  };
  // When not even the row can be written, the manifest can not be either: the first error says why.
  await ports.publication.upsert(row, ports.clock.now()).catch(() => false);
}
