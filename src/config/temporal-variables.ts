/** How the Temporal server is reached when it asks for more than its address: a part of the table in variables.ts. */
import { pattern, word } from './values';
import type { Variable } from './variable';

const path = pattern(/\S/, 'a path');

export const TEMPORAL_SECURITY_VARIABLES = {
  TEMPORAL_TLS: {
    schema: word(['on', 'off']),
    default: 'off',
    unit: 'on or off',
    meaning: 'Whether the Temporal server at TEMPORAL_ADDRESS is spoken to over TLS.',
  },
  TEMPORAL_TLS_CA: {
    schema: path,
    default: null,
    defaultMeaning: 'the authorities that this machine trusts',
    unit: 'path',
    meaning: 'PEM file of the authority that signed the certificate of the Temporal server.',
  },
  TEMPORAL_TLS_CERT: {
    schema: path,
    default: null,
    defaultMeaning: 'none is shown',
    unit: 'path',
    meaning: 'PEM file of the certificate to show to the Temporal server; with TEMPORAL_TLS_KEY.',
  },
  TEMPORAL_TLS_KEY: {
    schema: path,
    default: null,
    defaultMeaning: 'none',
    unit: 'path',
    meaning: 'PEM file of the private key of TEMPORAL_TLS_CERT.',
  },
  TEMPORAL_TLS_SERVER_NAME: {
    schema: pattern(/^[A-Za-z0-9.-]+$/, 'a host name'),
    default: null,
    defaultMeaning: 'the host of TEMPORAL_ADDRESS',
    unit: 'name',
    meaning: 'Name that the certificate of the Temporal server must hold.',
  },
  TEMPORAL_API_KEY: {
    schema: pattern(/^[\x21-\x7e]+$/, 'a key: it holds no space'),
    default: null,
    defaultMeaning: 'none',
    unit: 'text',
    meaning: 'API key for the Temporal server; sent only with TEMPORAL_TLS=on.',
    secret: true,
  },
} as const satisfies Record<string, Variable>;
