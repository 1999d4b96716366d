// Runs kinds as a worker does: openAttempt, run, check the output, publish.
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { AnyJobKind, JobContext, JobFile } from '../../jobs/define-job-kind.ts';
import type { Attempt } from '../../warehouse/attempt.ts';
import type { Warehouse } from '../../warehouse/warehouse.ts';

export type Files = Readonly<Record<string, string | Buffer>>;

export interface TestJob {
  readonly kind: AnyJobKind;
  readonly config: Record<string, unknown>;
  readonly files?: Files;
  /** Of the run, by how the config asks for them. */
  readonly values?: Readonly<Record<string, unknown>>;
  readonly project?: string;
  readonly job?: string;
  readonly jobRunId?: string;
  readonly epoch?: number;
  readonly token?: bigint;
  readonly signal?: AbortSignal;
  /** Bytes of a file that arrive at once. */
  readonly chunkBytes?: number;
}

let lastToken = 0n;

/** Like the metadata's sequence: each is higher than those before. */
export function nextToken(): bigint {
  lastToken += 1n;
  return lastToken;
}

export function openTestAttempt(
  warehouse: Warehouse,
  job: Omit<TestJob, 'kind' | 'config'> = {},
): Promise<Attempt> {
  return warehouse.openAttempt({
    project: job.project ?? 'flights',
    jobRunId: job.jobRunId ?? randomUUID(),
    epoch: job.epoch ?? 1,
    token: job.token ?? nextToken(),
    signal: job.signal ?? new AbortController().signal,
  });
}

/** One attempt from start to end; its error is thrown on. */
export async function runJob(warehouse: Warehouse, job: TestJob): Promise<unknown> {
  const attempt = await openTestAttempt(warehouse, job);
  try {
    if (attempt.published) return attempt.published.output;
    const output = await job.kind.run(contextOf(attempt, job), job.kind.config.parse(job.config));
    await attempt.publish(output);
    return output;
  } finally {
    await attempt.discard();
  }
}

export function contextOf(attempt: Attempt, job: TestJob): JobContext {
  const log = { debug() {}, info() {}, warn() {} };
  return {
    project: job.project ?? 'flights',
    job: job.job ?? 'result',
    graphRunId: null,
    jobRunId: job.jobRunId ?? randomUUID(),
    attempt: 1,
    idempotencyKey: 'key',
    params: {},
    values: new Map(Object.entries(job.values ?? {})),
    signal: job.signal ?? new AbortController().signal,
    log,
    files: { open: async (name) => fileOf(name, job.files?.[name], job.chunkBytes) },
    warehouse: attempt.warehouse,
    upstream: async () => undefined,
    checkpoint: { value: undefined, save: async () => {} },
    progress() {},
  };
}

function fileOf(
  name: string,
  content: string | Buffer | undefined,
  chunkBytes = 64 * 1024,
): JobFile | undefined {
  if (content === undefined) return undefined;
  const bytes = Buffer.from(content);
  function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  return {
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    read: () => Readable.from(chunks()),
  };
}
