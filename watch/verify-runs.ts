import { CodedError } from '../graph/errors.ts';
import type { Verification, Verifications, VerifiedRun } from '../graph/inspections.ts';
import type { PageRequest, RunListFilter, StoredRun } from '../store/store.ts';
import { type VerifyDependencies, verifyGraphRun, verifyJobRun } from './verify.ts';

/** Each holds a whole history in memory. */
const verifiedAtOnce = 4;
/** A page that takes longer ends with what it has: whoever asks waits no longer than some of the largest histories. */
const pageTimeMs = 8_000;

/** Verifies a page of all runs, newest first. @throws CodedError PROJECT_UNKNOWN, CURSOR_INVALID */
export async function verifyRuns(
  deps: VerifyDependencies,
  filter: RunListFilter,
  page: PageRequest,
  timeMs = pageTimeMs,
): Promise<Verifications> {
  const { runs } = deps.store;
  const [found, total] = await Promise.all([
    runs.list(filter, page),
    page.cursor === undefined ? runs.count(filter) : null,
  ]);
  const until = performance.now() + timeMs;
  const items: VerifiedRun[] = [];
  let done = 0;
  while (done < found.items.length && (done === 0 || performance.now() < until)) {
    const batch = found.items.slice(done, done + verifiedAtOnce);
    const verified = await Promise.all(batch.map((run) => verifyRun(deps, run)));
    items.push(...verified.filter((run) => run !== null));
    done += batch.length;
  }
  const last = found.items[done - 1];
  const nextCursor = done < found.items.length ? (last?.cursor ?? null) : found.nextCursor;
  return { items, nextCursor, total };
}

/** Null for a run that was deleted meanwhile. */
async function verifyRun(deps: VerifyDependencies, run: StoredRun): Promise<VerifiedRun | null> {
  const { cursor: _, ...shown } = run;
  const verification = await verifyById(deps, run).catch(unlessDeleted);
  return verification && { ...shown, verification };
}

function verifyById(deps: VerifyDependencies, { type, id }: StoredRun): Promise<Verification> {
  return type === 'graph_run' ? verifyGraphRun(deps, id) : verifyJobRun(deps, id);
}

function unlessDeleted(error: unknown): null {
  const isDeleted =
    error instanceof CodedError && ['GRAPH_RUN_UNKNOWN', 'JOB_RUN_UNKNOWN'].includes(error.code);
  if (isDeleted) return null;
  throw error;
}
