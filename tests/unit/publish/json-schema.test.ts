import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import { HOUR } from '../../../src/domain/timeframe';
import { buildHistory } from '../../../src/publish/history';
import { unscoredQuality } from '../../../src/publish/documents';
import { jsonSchemas } from '../../../src/publish/json-schema';
import { buildManifests } from '../../../src/publish/manifest';
import { buildPrediction } from '../../../src/publish/prediction';
import { candlesThrough, pairOf, recordThrough, rowOfPair } from './example';

const FOLDER = join(__dirname, '../../../docs/schemas');
const THROUGH = Date.UTC(2024, 5, 1, 12);
const PAIR = pairOf('BTC/USDT', '1h');
const AGE = { softMs: 1000, hardMs: 2000 };

function documents(): Record<string, object> {
  const candles = candlesThrough(PAIR, THROUGH, 5);
  const record = recordThrough(PAIR, candles, THROUGH + 1);
  const { manifest } = buildManifests([rowOfPair(PAIR, THROUGH)], {
    generation: 1,
    generatedAt: THROUGH + 1,
    source: 'simulated',
    nextExpectedCommit: THROUGH + HOUR,
    cycleTargetMs: 1000,
  });
  return {
    'history.json': buildHistory({ source: 'simulated', pair: PAIR, candles, updatedAt: THROUGH, ...AGE }),
    'prediction.json': buildPrediction({
      source: 'simulated',
      record,
      quality: unscoredQuality('30 d'),
      past: [],
      horizon: 24,
      candles,
      ...AGE,
    }),
    'manifest.json': manifest,
  };
}

const validatorOf = (text: string) => new Ajv({ strict: true, allErrors: true }).compile(JSON.parse(text));

describe.each(jsonSchemas())('the published schema $name', ({ name, text }) => {
  test('is the one that the code uses (UPDATE_SCHEMAS=1 writes it anew)', () => {
    if (process.env.UPDATE_SCHEMAS === '1') {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, name), text);
    }
    expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(text);
  });

  test('I44 accepts a document as it is built', () => {
    const validate = validatorOf(text);
    validate(documents()[name]);
    expect(validate.errors).toBeNull();
  });

  test('accepts a field that a newer minor version may add', () => {
    expect(validatorOf(text)({ ...documents()[name], novelty: 1 })).toBe(true);
  });

  test('refuses a document without its source', () => {
    const { source: _source, ...rest } = documents()[name] as { source: string };
    expect(validatorOf(text)(rest)).toBe(false);
  });
});
