// What a transaction has let go on: told once it is committed. Nobody relies on it, since the watch looks for what was granted
// and not told.
import type { RunToStart } from './store.ts';

export interface GrantedJob {
  readonly jobRunId: string;
  readonly graphRunId: string | null;
  readonly job: string;
  /** Of its request. */
  readonly number: number;
  readonly grantedAtMs: number;
  /** That waits for it. */
  readonly workflowId: string;
}

export interface Granted {
  /** Graph runs that begin. */
  readonly runs: readonly RunToStart[];
  /** Job runs that have what they asked for of pools. */
  readonly jobs: readonly GrantedJob[];
  /** In these something may be given that its transaction could not give. */
  readonly left: readonly LeftToGive[];
}

export interface LeftToGive {
  readonly pools: readonly string[];
  readonly actor: string;
}

/** By the connection of the transaction. */
const noted = new WeakMap<object, Granted>();

export function noteGranted(client: object, { runs = [], jobs = [], left = [] }: Partial<Granted>): void {
  if (runs.length + jobs.length + left.length === 0) return;
  const before = noted.get(client);
  noted.set(client, {
    runs: [...(before?.runs ?? []), ...runs],
    jobs: [...(before?.jobs ?? []), ...jobs],
    left: [...(before?.left ?? []), ...left],
  });
}

/** Forgets what was noted, and answers with it; null where there is nothing. */
export function takeGranted(client: object): Granted | null {
  const granted = noted.get(client) ?? null;
  noted.delete(client);
  return granted;
}

/** Takes out of what was noted what the caller tells by itself: the jobs of a graph run, by its id, up to so many of each. */
export function takeGrantedOf(
  client: object,
  graphRunIds: ReadonlySet<string>,
  most: number,
): Map<string, GrantedJob[]> {
  const taken = new Map<string, GrantedJob[]>();
  const before = noted.get(client);
  if (!before) return taken;
  const left = before.jobs.filter((granted) => {
    const { graphRunId } = granted;
    if (graphRunId === null || !graphRunIds.has(graphRunId)) return true;
    const jobs = taken.get(graphRunId) ?? [];
    if (jobs.length >= most) return true;
    taken.set(graphRunId, [...jobs, granted]);
    return false;
  });
  noted.set(client, { ...before, jobs: left });
  return taken;
}
