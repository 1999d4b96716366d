import { z } from 'zod';
import { durationSchema } from './definition.ts';
import { parseDurationMs } from './durations.ts';
import { CodedError, type Problem } from './errors.ts';

const postgresUrl = z
  .string()
  .refine(
    (text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text),
    'expected postgres://user:password@host:port/database',
  );

const environmentSchema = z.object({
  DATABASE_URL: postgresUrl,
  WAREHOUSE_URL: postgresUrl.optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d+$/, 'expected host:port')
    .default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_API_KEY: z.string().min(1).optional(),
  TEMPORAL_TLS_CERT: z.string().min(1).optional(),
  TEMPORAL_TLS_KEY: z.string().min(1).optional(),
  TEMPORAL_TLS_CA: z.string().min(1).optional(),
  TEMPORAL_TLS_SERVER_NAME: z.string().min(1).optional(),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4400),
  HOST: z.string().min(1).default('127.0.0.1'),
  WORKER_SHUTDOWN_GRACE: durationSchema.default('30s'),
});

export interface Environment {
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly apiKey?: string;
    /** Paths of PEM files; TLS is used when any is set, or with an API key. */
    readonly tls?: {
      readonly cert?: string;
      readonly key?: string;
      readonly ca?: string;
      readonly serverName?: string;
    };
  };
  readonly port: number;
  readonly host: string;
  /** How long jobs may go on after a worker was asked to stop, before other workers take them over. */
  readonly workerShutdownGraceMs: number;
}

/**
 * Reads the settings of a server process from its environment, once.
 * @throws CodedError CONFIG_INVALID that names each bad variable and what was expected; values are not repeated, since
 * they hold passwords.
 */
export function parseEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue): Problem => ({
        code: 'CONFIG_INVALID',
        path: `/${issue.path.join('/')}`,
        message: `${issue.path.join('.')}: ${given[String(issue.path[0])] === undefined ? 'is not set; ' : ''}${issue.message}`,
      }),
    );
    const list = problems.map((problem) => problem.message).join('; ');
    throw new CodedError('CONFIG_INVALID', `The environment is not complete: ${list}`, { problems });
  }
  const read = parsed.data;
  const tls = {
    ...(read.TEMPORAL_TLS_CERT && { cert: read.TEMPORAL_TLS_CERT }),
    ...(read.TEMPORAL_TLS_KEY && { key: read.TEMPORAL_TLS_KEY }),
    ...(read.TEMPORAL_TLS_CA && { ca: read.TEMPORAL_TLS_CA }),
    ...(read.TEMPORAL_TLS_SERVER_NAME && { serverName: read.TEMPORAL_TLS_SERVER_NAME }),
  };
  return {
    databaseUrl: read.DATABASE_URL,
    warehouseUrl: read.WAREHOUSE_URL ?? besideDatabase(read.DATABASE_URL),
    temporal: {
      address: read.TEMPORAL_ADDRESS,
      namespace: read.TEMPORAL_NAMESPACE,
      ...(read.TEMPORAL_API_KEY && { apiKey: read.TEMPORAL_API_KEY }),
      ...(Object.keys(tls).length > 0 && { tls }),
    },
    port: read.PORT,
    host: read.HOST,
    workerShutdownGraceMs: parseDurationMs(read.WORKER_SHUTDOWN_GRACE) ?? 0,
  };
}

/** The default warehouse: the database `warehouse` on the server of the metadata. */
export function besideDatabase(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.pathname = '/warehouse';
  return url.toString();
}
