import { readFileSync } from 'node:fs';
import { Connection } from '@temporalio/client';
import type { Environment } from '../graph/environment.ts';
import { CodedError } from '../graph/errors.ts';

/**
 * A connection that is made at its first use, and made again whenever Temporal comes back. Without the SDK's own retries:
 * all who call come again by themselves, and a retry that is due after `close` would end the process (seen).
 */
export function connectLazily(settings: Environment['temporal']): Connection {
  return Connection.lazy({ ...connectionOptions(settings), channelArgs, interceptors: [] });
}

/** gRPC would try less and less often, up to every two minutes, and fail all calls until then. */
const channelArgs = { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 1_000 };

/**
 * What the client's and the worker's connection are made with.
 * @throws CodedError CONFIG_INVALID when a PEM file cannot be read, or half of a pair is missing
 */
export function connectionOptions({ address, apiKey, tls }: Environment['temporal']) {
  return {
    address,
    ...(apiKey !== undefined && { apiKey }),
    ...((tls !== undefined || apiKey !== undefined) && { tls: readTls(tls ?? {}) }),
  };
}

function readTls(tls: NonNullable<Environment['temporal']['tls']>) {
  const crt = readPem('TEMPORAL_TLS_CERT', tls.cert);
  const key = readPem('TEMPORAL_TLS_KEY', tls.key);
  const ca = readPem('TEMPORAL_TLS_CA', tls.ca);
  if ((crt === undefined) !== (key === undefined)) {
    throw new CodedError(
      'CONFIG_INVALID',
      'TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY belong together; only one of them is set.',
    );
  }
  return {
    ...(tls.serverName !== undefined && { serverNameOverride: tls.serverName }),
    ...(ca !== undefined && { serverRootCACertificate: ca }),
    ...(crt !== undefined && key !== undefined && { clientCertPair: { crt, key } }),
  };
}

function readPem(variable: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CodedError('CONFIG_INVALID', `${variable} names a file that cannot be read.`, { cause: error });
  }
}
