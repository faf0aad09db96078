import { z } from 'zod';
import { historySchema, manifestSchema, predictionSchema, SCHEMA_VERSION } from './documents';

export interface NamedSchema {
  /** Of its file. */
  readonly name: string;
  readonly text: string;
}

/** The JSON Schema (draft 2020-12) of one document. Unknown fields are allowed, as for readers. */
export function jsonSchema(schema: z.ZodType, id: string, version: string): string {
  const { $schema, ...body } = z.toJSONSchema(schema, { io: 'input' });
  const described = { $schema, $id: `urn:coin-predict:${id}:${version}`, title: `Coin Predict ${id}`, ...body };
  return `${JSON.stringify(described, null, 2)}\n`;
}

/** Those of the documents that anyone may read. */
export function jsonSchemas(): NamedSchema[] {
  const schemas = { history: historySchema, prediction: predictionSchema, manifest: manifestSchema };
  return Object.entries(schemas).map(([name, schema]) => ({
    name: `${name}.json`,
    text: jsonSchema(schema, name, SCHEMA_VERSION),
  }));
}
