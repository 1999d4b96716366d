import { createHash } from 'node:crypto';
import type { Granted, GrantedJob, Store } from '../store/index.ts';
import type { RunToStart } from '../store/store.ts';
import { type GrantedSignal, grantedSignalName } from '../workflows/contract.ts';
import type { Starter } from './starter.ts';
import { workThrough } from './work-through.ts';

/**
 * Starts and tells what a transaction of this process has let go on, at once. Where that fails nothing is lost: the watch finds
 * it within a turn or two.
 */
export function tellGranted(
  starter: Pick<Starter, 'startGraphRun' | 'signal'>,
  noteTold: Store['watch']['noteTold'],
  onError: (error: unknown) => void,
): (granted: Granted) => void {
  return ({ runs, jobs }) => {
    const start = async (run: RunToStart): Promise<void> => void (await starter.startGraphRun(run));
    const tell = (group: Group): Promise<void> => tellJobs(starter, noteTold, group);
    const { signal } = new AbortController();
    const options = { atOnce: callsAtOnce, signal, onError };
    workThrough({ ...options, items: runs, work: start }).catch(() => {});
    workThrough({ ...options, items: groupJobs(jobs), work: tell }).catch(() => {});
  };
}

export interface TellUntoldOptions {
  readonly store: { readonly watch: Pick<Store['watch'], 'untoldGrants' | 'noteTold'> };
  readonly starter: Pick<Starter, 'signal'>;
  /** Now, in Postgres' time. */
  readonly before: Date;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** A grant that is younger is still being told by whoever gave it. */
const ageMs = 1_000;
const jobsPerTurn = 1_000;
const callsAtOnce = 10;

/** Tells workflows again of what they may not have heard of, until Temporal has taken it. */
export async function tellUntold({ store, starter, before, ...options }: TellUntoldOptions): Promise<void> {
  const { watch } = store;
  const untold = await watch.untoldGrants(new Date(before.getTime() - ageMs), jobsPerTurn);
  const work = (group: Group) => tellJobs(starter, (told) => watch.noteTold(told), group);
  await workThrough({ items: groupJobs(untold), atOnce: callsAtOnce, work, ...options }).catch(() => {});
}

interface Group {
  readonly workflowId: string;
  readonly jobs: readonly GrantedJob[];
}

function groupJobs(jobs: readonly GrantedJob[]): Group[] {
  const groups = new Map<string, GrantedJob[]>();
  for (const job of jobs) groups.set(job.workflowId, [...(groups.get(job.workflowId) ?? []), job]);
  return [...groups].map(([workflowId, all]) => ({ workflowId, jobs: all }));
}

/** One whose workflow is gone is told to nobody: the end of its run, which follows, frees what it has. */
async function tellJobs(
  starter: Pick<Starter, 'signal'>,
  noteTold: Store['watch']['noteTold'],
  { workflowId, jobs }: Group,
): Promise<void> {
  const input: GrantedSignal = { jobs: jobs.map(({ job, number }) => ({ job, number })) };
  // A request that is granted anew is another word, though it has its number still.
  const said = [input, jobs.map(({ grantedAtMs }) => grantedAtMs)];
  const requestId = `granted/${createHash('sha256').update(JSON.stringify(said)).digest('hex')}`;
  // Whichever execution is the newest: one that goes on from another asks anew, and has heard by that.
  const to = { workflowId, runId: '', by: 'graphrun' };
  if (await starter.signal({ ...to, name: grantedSignalName, input, requestId })) await noteTold(jobs);
}
