import { z } from 'zod';
import { historySchema, manifestSchema, opsManifestSchema, predictionSchema, SCHEMA_VERSION } from './documents';

const SCHEMAS = {
  history: historySchema,
  prediction: predictionSchema,
  manifest: manifestSchema,
  'ops-manifest': opsManifestSchema,
};

/** The JSON Schema (draft 2020-12) of every document: file name and text. Unknown fields are allowed, as for readers. */
export function jsonSchemas(): { readonly name: string; readonly text: string }[] {
  return Object.entries(SCHEMAS).map(([name, schema]) => {
    const { $schema, ...body } = z.toJSONSchema(schema, { io: 'input' });
    const described = {
      $schema,
      $id: `urn:coin-predict:${name}:${SCHEMA_VERSION}`,
      title: `Coin Predict ${name}`,
      ...body,
    };
    return { name: `${name}.json`, text: `${JSON.stringify(described, null, 2)}\n` };
  });
}
