import { opsManifestSchema, SCHEMA_VERSION } from '../publish/documents';
import { jsonSchema, type NamedSchema } from '../publish/json-schema';
import { OPS_DOCUMENT_VERSION, OPS_DOCUMENTS } from './ops-documents';

/** The JSON Schemas of the documents of the operators' server. */
export function opsJsonSchemas(): NamedSchema[] {
  return [
    { name: 'manifest.json', text: jsonSchema(opsManifestSchema, 'ops-manifest', SCHEMA_VERSION) },
    ...Object.entries(OPS_DOCUMENTS).map(([name, schema]) => ({
      name: `${name}.json`,
      text: jsonSchema(schema, `ops-${name}`, OPS_DOCUMENT_VERSION),
    })),
  ];
}
