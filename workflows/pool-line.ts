// Jobs that need slots of pools ask for them before they are given to a worker, all that became ready in one workflow task in
// one call; those that have to wait are told by a signal, many at once.
import { ApplicationFailure, defineSignal, setHandler } from '@temporalio/workflow';
import type { AskForSlotsInput } from '../activities/bookkeeping.ts';
import type { GrantedSlots } from '../graph/asked-slots.ts';
import { local, locallyOrQueued, queued } from './bookkeeping.ts';
import { bookkeepingActivityIds, grantedSignalName, workflowFailures } from './contract.ts';

export interface PoolLine {
  /** Asks, once all that has landed in this workflow task is taken. */
  ask(job: string): void;
  /** Jobs have what they asked for, as the end of the one tells that had it before: they begin as whoever calls goes on. */
  hear(granted: readonly GrantedSlots[]): void;
  /** How many have asked and are not answered yet. */
  unanswered(): number;
}

const granted = defineSignal<[unknown]>(grantedSignalName);

/** In one call; what is beyond goes with the next. */
const jobsPerCall = 500;

/**
 * @param begin notes jobs that may begin; it may be told of one that is not waited for any more
 * @param goOn those that were noted, and what was held back for others, may start
 * @param fail the calls cannot be made any more: another execution carries out the run
 */
export function createPoolLine(
  of: AskForSlotsInput['of'],
  begin: (jobs: readonly string[]) => void,
  goOn: () => void,
  fail: (error: unknown) => void,
): PoolLine {
  let gathered: string[] = [];
  let isAsking = false;
  let unanswered = 0;
  let calls = 0;
  /** Numbers of requests: of those that wait, and of those that were granted before the answer said that they wait. */
  const waiting = new Map<string, number>();
  const early = new Map<string, number>();

  const askAll = async (): Promise<void> => {
    // Behind the callbacks of jobs that have landed with this one, which are queued already.
    await Promise.resolve();
    while (gathered.length > 0) {
      const jobs = gathered.slice(0, jobsPerCall);
      gathered = gathered.slice(jobsPerCall);
      calls += 1;
      // Asked again, what they were told before counts no more.
      for (const job of jobs) early.delete(job);
      const request = { of, jobs };
      const asked = await locallyOrQueued(
        () => local.askForSlots(request),
        () => queued(`${bookkeepingActivityIds.slots}/${calls}`).askForSlots(request),
      );
      if (asked === null) throw lost();
      for (const { job, number } of asked.waiting) waiting.set(job, number);
      const ready = asked.waiting.filter(({ job, number }) => isGranted(job, number, early));
      beginAll([...asked.granted, ...ready.map(({ job }) => job)]);
      unanswered -= jobs.length;
      goOn();
    }
    isAsking = false;
  };

  const isGranted = (job: string, number: number, numbers: ReadonlyMap<string, number>): boolean =>
    numbers.get(job) === number;
  const beginAll = (jobs: readonly string[]): void => {
    for (const job of jobs) waiting.delete(job);
    if (jobs.length > 0) begin(jobs);
  };

  const hear = (jobs: readonly GrantedSlots[]): boolean => {
    for (const { job, number } of jobs) early.set(job, number);
    const begun = jobs.flatMap(({ job, number }) => (isGranted(job, number, waiting) ? [job] : []));
    beginAll(begun);
    return begun.length > 0;
  };
  setHandler(granted, (input) => {
    // Signals of before are handled right here, where nobody waits yet.
    if (hear(readGranted(input))) goOn();
  });
  return {
    hear,
    unanswered: () => unanswered,
    ask: (job) => {
      gathered.push(job);
      unanswered += 1;
      if (isAsking) return;
      isAsking = true;
      askAll().catch(fail);
    },
  };
}

/** What somebody sends by hand that says nothing of this grants nothing. */
function readGranted(input: unknown): readonly GrantedSlots[] {
  const jobs: unknown = typeof input === 'object' && input !== null && 'jobs' in input ? input.jobs : null;
  return Array.isArray(jobs) ? jobs.filter(isGrantOfJob) : [];
}

function isGrantOfJob(grant: unknown): grant is GrantedSlots {
  if (typeof grant !== 'object' || grant === null || !('job' in grant) || !('number' in grant)) return false;
  return typeof grant.job === 'string' && typeof grant.number === 'number';
}

function lost(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('another execution carries out the run', workflowFailures.lost);
}
