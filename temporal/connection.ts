/** How the Temporal server is connected to, by clients and by the worker alike (PROOF S27). */
import { readFile } from 'node:fs/promises';
import type { TemporalSecurity } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';

export interface TemporalServer {
  readonly address: string;
  /** Absent or null: plain, as our own development server is. */
  readonly security?: TemporalSecurity | null | undefined;
}

interface SecureOptions {
  readonly serverNameOverride?: string;
  readonly serverRootCACertificate?: Buffer;
  readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
}

/** The options of a connection, with the files read; the same for `Connection` and `NativeConnection`. */
export interface TemporalConnection {
  readonly address: string;
  readonly tls?: SecureOptions;
  readonly apiKey?: string;
}

/** @throws PipelineError `invalid_input` when a file can not be read. */
export async function connectionOptions({ address, security = null }: TemporalServer): Promise<TemporalConnection> {
  if (security === null) return { address };
  const { ca, certificate, key, serverName, apiKey } = security;
  const tls = {
    ...(serverName === null ? {} : { serverNameOverride: serverName }),
    ...(ca === null ? {} : { serverRootCACertificate: await pem('TEMPORAL_TLS_CA', ca) }),
    ...(certificate === null || key === null
      ? {}
      : {
          clientCertPair: { crt: await pem('TEMPORAL_TLS_CERT', certificate), key: await pem('TEMPORAL_TLS_KEY', key) },
        }),
  };
  return { address, tls, ...(apiKey === null ? {} : { apiKey }) };
}

async function pem(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new PipelineError('invalid_input', `${variable}: ${path} can not be read`, { cause: error });
  }
}
