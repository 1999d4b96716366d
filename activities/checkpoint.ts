import { CodedError } from '../graph/errors.ts';
import { limits } from '../graph/limits.ts';
import type { JobContext } from '../jobs/define-job-kind.ts';
import type { Dependencies } from './dependencies.ts';
import type { StartedAttempt } from './run-job.ts';
import { whileStoreIsAway } from './while-store-is-away.ts';

/** What earlier attempts of this epoch saved, and where this one saves. Waits while the metadata database is away. */
export async function openCheckpoint(
  { store: { checkpoints } }: Pick<Dependencies, 'store'>,
  job: string,
  { jobRunId, epoch, fence, isFirst }: StartedAttempt,
  signal: AbortSignal,
): Promise<JobContext['checkpoint']> {
  const text = isFirst ? null : await whileStoreIsAway(() => checkpoints.load(jobRunId, epoch), signal);
  /** One after the other: the last call is what stays. */
  let saving = Promise.resolve();
  const save = async (saved: string): Promise<void> => {
    const isSaved = await whileStoreIsAway(
      () => checkpoints.save({ jobRunId, epoch, fence, text: saved }),
      signal,
    );
    if (!isSaved) throw new CodedError('SUPERSEDED', `Another attempt of job "${job}" has taken over.`);
  };
  return {
    value: text === null ? undefined : (JSON.parse(text) as unknown),
    save: (value) => {
      const encoded = encode(job, value);
      const next = saving.then(() => save(encoded));
      saving = next.catch(() => {});
      return next;
    },
  };
}

/** @throws CodedError CHECKPOINT_INVALID, CHECKPOINT_TOO_LARGE: final, since another attempt would save the same */
function encode(job: string, value: unknown): string {
  const text = toText(job, value);
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.checkpointBytes) return text;
  const message = `The checkpoint of job "${job}" has ${bytes} bytes as JSON; the limit is ${limits.checkpointBytes}. Save where to go on, and keep data in the warehouse.`;
  throw new CodedError('CHECKPOINT_TOO_LARGE', message, { data: { bytes, limit: limits.checkpointBytes } });
}

function toText(job: string, value: unknown): string {
  let text: string | undefined;
  let why = `it is a ${typeof value}`;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  if (text !== undefined) return text;
  throw new CodedError('CHECKPOINT_INVALID', `The checkpoint of job "${job}" is not JSON: ${why}.`);
}
