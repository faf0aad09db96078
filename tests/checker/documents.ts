/** I07 I08 I20 I29 I33 I40 I43 I44: every object that lies in the published folder, whichever manifest named it. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Ajv from 'ajv/dist/2020';
import { endOf } from './calendar';
import type { Stored } from './candles';
import { keyOf } from './database-file';
import type { DatabaseFile, Row } from './database-file';
import type { Findings } from './findings';
import { HORIZON, isOrdered } from './forecasts';
import type { LedgerForecast } from './forecasts';
import type { Values } from './market-truth';

export interface History {
  readonly type: 'history';
  readonly symbol: string;
  readonly timeframe: string;
  readonly data_through: string;
  readonly data: readonly {
    readonly timestamp: string;
    readonly open: number;
    readonly high: number;
    readonly low: number;
    readonly close: number;
    readonly volume: number;
  }[];
}

export interface Prediction {
  readonly type: 'prediction';
  readonly symbol: string;
  readonly timeframe: string;
  readonly data_through: string;
  readonly issued_at: string;
  readonly model: { readonly version: string };
  readonly forecast: readonly {
    readonly timestamp: string;
    readonly price: number;
    readonly intervals: Readonly<Record<'50' | '80' | '95', { readonly lower: number; readonly upper: number }>>;
  }[];
  readonly quality: {
    readonly sample_count: number;
    readonly mae: number | null;
    readonly coverage: Readonly<Record<'50' | '80' | '95', number | null>>;
  };
}

export type Document = History | Prediction;

const SCHEMAS = resolve(__dirname, '..', '..', 'docs', 'schemas');

/** Whether a text keeps the JSON Schema that is published for its kind. */
export function schemaJudge(): (kind: string, document: unknown) => boolean {
  const ajv = new Ajv({ strict: false });
  const validators = new Map(
    ['history', 'prediction', 'manifest'].map((kind) => [
      kind,
      ajv.compile(JSON.parse(readFileSync(join(SCHEMAS, `${kind}.json`), 'utf8')) as object),
    ]),
  );
  return (kind, document) => validators.get(kind)?.(document) === true;
}

export interface ObjectsSeen {
  /** Bytes of the whole ones, by hash. */
  readonly sizes: ReadonlyMap<string, number>;
  read(sha256: string): Document;
}

export function checkObjects(
  findings: Findings,
  publicDir: string,
  state: DatabaseFile,
  { stored, forecasts }: { readonly stored: Stored; readonly forecasts: readonly LedgerForecast[] },
): ObjectsSeen {
  const folder = join(publicDir, 'objects');
  const keepsSchema = schemaJudge();
  const revised = revisedValues(state);
  checkRevisions(findings, state, stored);
  const champions = new Map(
    forecasts.filter(({ role }) => role === 'champion').map((forecast) => [issueOf(forecast), forecast]),
  );
  const sizes = new Map<string, number>();
  for (const name of readdirSync(folder).filter((entry) => !entry.startsWith('.tmp-'))) {
    const packing = /^[0-9a-f]{64}\.json\.(br|gz)$/.exec(name)?.[1];
    const body = readFileSync(join(folder, name));
    if (packing !== undefined) {
      findings.holds(
        'I20 whole',
        hashOfPacked(body, packing) === name.slice(0, 64),
        () => `objects/${name}: unpacks to other bytes`,
      );
      continue;
    }
    const sha256 = createHash('sha256').update(body).digest('hex');
    findings.holds('I20 whole', name === `${sha256}.json`, () => `objects/${name}: holds other bytes`);
    if (name !== `${sha256}.json`) continue;
    sizes.set(sha256, body.length);
    const text = body.toString('utf8');
    const document = JSON.parse(text) as Document;
    findings.holds('I44 schema', keepsSchema(document.type, document), () => `objects/${name}: breaks its schema`);
    findings.holds('I29 canonical', canonical(document) === text, () => `objects/${name}: is not canonical`);
    if (document.type === 'history') checkHistory(findings, document, stored, revised);
    else checkPrediction(findings, document, champions);
  }
  return { sizes, read: (sha256) => JSON.parse(readFileSync(join(folder, `${sha256}.json`), 'utf8')) as Document };
}

/** The hash of what a packed form holds; null when it can not be unpacked. */
function hashOfPacked(packed: Buffer, packing: string): string | null {
  try {
    const body = packing === 'br' ? brotliDecompressSync(packed) : gunzipSync(packed);
    return createHash('sha256').update(body).digest('hex');
  } catch {
    return null;
  }
}

/** Keys in order, nothing between them: RFC 8785 as far as these documents need it. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  const parts = Object.keys(fields).toSorted();
  return `{${parts.map((key) => `${JSON.stringify(key)}:${canonical(fields[key])}`).join(',')}}`;
}

const valuesText = ({ open, high, low, close, volume }: Omit<History['data'][number], 'timestamp'>): string =>
  [open, high, low, close, volume].join(' ');

/** `BTC/USDT 1h 1700000000000` -> every set of values that was replaced there. */
function revisedValues(state: DatabaseFile): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const row of state.all('SELECT * FROM revision')) {
    const slot = `${keyOf(row)} ${String(row.open_time)}`;
    const values = found.get(slot) ?? new Set<string>();
    found.set(slot, values.add(valuesText(JSON.parse(String(row.before)) as History['data'][number])));
  }
  return found;
}

/** The newest record of a slot ends with what is stored now. */
function checkRevisions(findings: Findings, state: DatabaseFile, stored: Stored): void {
  const newest = new Map<string, Row>();
  for (const row of state.all('SELECT * FROM revision ORDER BY at')) {
    newest.set(`${keyOf(row)} ${String(row.open_time)}`, row);
  }
  for (const [slot, row] of newest) {
    const values = stored.get(keyOf(row))?.get(Number(row.open_time));
    const same = values?.join(' ') === valuesText(JSON.parse(String(row.after)) as History['data'][number]);
    findings.holds('I07 revised', same, () => `${slot}: its newest revision is not what is stored`);
  }
}

function checkHistory(
  findings: Findings,
  { symbol, timeframe, data }: History,
  stored: Stored,
  revised: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  const key = `${symbol} ${timeframe}`;
  const series = stored.get(key) ?? new Map<number, Values>();
  for (const candle of data) {
    const open = Date.parse(candle.timestamp);
    const now = series.get(open);
    const where = (): string => `${key} ${candle.timestamp}`;
    findings.holds('I08 kept', now !== undefined, () => `${where()}: was published and is stored no more`);
    if (now === undefined || valuesText(candle) === now.join(' ')) continue;
    const recorded = revised.get(`${key} ${open}`)?.has(valuesText(candle)) === true;
    findings.holds('I07 revised', recorded, () => `${where()}: was published with values that no revision tells of`);
  }
}

const issueOf = ({
  key,
  dataThrough,
  version,
  issuedAt,
}: Omit<LedgerForecast, 'steps' | 'role' | 'lastClose'>): string => `${key} ${dataThrough} ${version} ${issuedAt}`;

function checkPrediction(
  findings: Findings,
  document: Prediction,
  champions: ReadonlyMap<string, LedgerForecast>,
): void {
  const { symbol, timeframe, model, forecast } = document;
  const key = `${symbol} ${timeframe}`;
  const issue = {
    key,
    dataThrough: Date.parse(document.data_through),
    version: model.version,
    issuedAt: Date.parse(document.issued_at),
  };
  const champion = champions.get(issueOf(issue));
  const rows = forecast.map(({ price, intervals }) => {
    const [inner, middle, outer] = [intervals['50'], intervals['80'], intervals['95']];
    return [outer.lower, middle.lower, inner.lower, price, inner.upper, middle.upper, outer.upper];
  });
  const same = champion?.steps.every((row, k) => row.every((value, place) => value === rows[k]?.[place])) === true;
  findings.holds('I33 champion', same, () => `${key} ${document.data_through}: is not the champion's record`);
  findings.holds('I40 sane', rows.every(isOrdered), () => `${key} ${document.data_through}: has bands that cross`);
  let at = issue.dataThrough;
  const onTime = forecast.every(({ timestamp }) => Date.parse(timestamp) === (at = endOf(timeframe, at)));
  findings.holds(
    'I43 steps',
    forecast.length === HORIZON && onTime,
    () => `${key} ${document.data_through}: its steps are not the next ${HORIZON} boundaries`,
  );
}
