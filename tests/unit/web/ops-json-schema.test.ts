import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import { HOUR } from '../../../src/domain/timeframe';
import { buildManifests } from '../../../src/publish/manifest';
import { opsJsonSchemas } from '../../../src/web/ops-json-schema';
import { alertsExample, modelsExample, operationsExample, slaExample } from '../../browser/ops-examples';
import { pairOf, rowOfPair } from '../publish/example';

const FOLDER = join(__dirname, '../../../docs/ops-schemas');
const NOW = Date.UTC(2024, 5, 1, 12);

function documents(): Record<string, object> {
  const { opsManifest } = buildManifests([rowOfPair(pairOf('BTC/USDT', '1h'), NOW)], {
    generation: 1,
    generatedAt: NOW + 1,
    source: 'simulated',
    nextExpectedCommit: NOW + HOUR,
    cycleTargetMs: 1000,
  });
  return {
    'manifest.json': opsManifest,
    'operations.json': operationsExample(NOW),
    'models.json': modelsExample(NOW),
    'alerts.json': alertsExample(NOW),
    'sla.json': slaExample(NOW),
  };
}

const validatorOf = (text: string) =>
  new Ajv({ strict: true, allErrors: true, formats: { date: true } }).compile(JSON.parse(text));

describe.each(opsJsonSchemas())('the schema of the operators document $name', ({ name, text }) => {
  test('is the one that the code uses (UPDATE_SCHEMAS=1 writes it anew)', () => {
    if (process.env.UPDATE_SCHEMAS === '1') {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, name), text);
    }
    expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(text);
  });

  test('I44 accepts a document as it is written, and a field that a newer minor version may add', () => {
    const validate = validatorOf(text);
    expect([validate({ ...documents()[name], novelty: 1 }), validate.errors]).toEqual([true, null]);
  });

  test('refuses a document without its time', () => {
    const { generated_at: _time, ...rest } = documents()[name] as { generated_at: string };
    expect(validatorOf(text)(rest)).toBe(false);
  });
});

test('every document of the operators server has one, and the public server none of them', () => {
  expect(readdirSync(FOLDER).toSorted()).toEqual(Object.keys(documents()).toSorted());
  expect(readdirSync(join(FOLDER, '..', 'schemas')).toSorted()).toEqual([
    'history.json',
    'manifest.json',
    'prediction.json',
  ]);
});
