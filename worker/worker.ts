// The wiring of a worker process: one worker for workflows and jobs, one beside it for bookkeeping.
import { hostname } from 'node:os';
import { type NativeConnection, Worker, type WorkflowBundlePath } from '@temporalio/worker';
import { createBookkeeping } from '../activities/bookkeeping.ts';
import type { Dependencies } from '../activities/dependencies.ts';
import { createActivities } from '../activities/index.ts';
import { stickyTimeoutMs, systemTaskQueue } from '../workflows/contract.ts';
import type { Guard } from './guard.ts';
import { recordAttempts } from './interceptors/record-attempts.ts';

export interface WorkerOptions extends Dependencies {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly workflowBundle: WorkflowBundlePath;
  /** Jobs at once in this process. */
  readonly jobsAtOnce: number;
  /** Finds the job that takes this process down; without it nobody looks. */
  readonly guard?: Pick<Guard, 'run'>;
  /** How long jobs may go on after a stop was asked for, before other workers take them over. */
  readonly shutdownGraceMs: number;
}

export interface RunningWorkers {
  /** Rejects when a worker fails; resolves after `stop`. */
  readonly done: Promise<void>;
  /** Takes no new work and waits for what is under way; may be called twice. */
  stop(): Promise<void>;
}

/** Starts both workers; resolves once they poll. */
export async function startWorkers(options: WorkerOptions): Promise<RunningWorkers> {
  const { store, kinds, connection, namespace, taskQueue, workflowBundle } = options;
  const identity = `${process.pid}@${hostname()}`;
  const guard = options.guard ?? { run: (_attempt, work) => work() };
  const shared = { connection, namespace, identity, shutdownGraceTime: options.shutdownGraceMs };
  const jobs = await Worker.create({
    ...shared,
    taskQueue,
    workflowBundle,
    activities: createActivities(options),
    maxConcurrentActivityTaskExecutions: options.jobsAtOnce,
    stickyQueueScheduleToStartTimeout: stickyTimeoutMs,
    // A beat that is held back delays a cancel by as much.
    maxHeartbeatThrottleInterval: '1s',
    interceptors: {
      activity: [
        (context) => ({
          inbound: recordAttempts(context, { store, kinds, guard, adopt: options.adopt, worker: identity }),
        }),
      ],
    },
  });
  const system = await Worker.create({
    ...shared,
    taskQueue: systemTaskQueue(taskQueue),
    activities: createBookkeeping(options),
  });
  // Bookkeeping goes on until the last job has ended.
  const jobsDone = jobs.run().finally(() => stopWorker(system));
  const done = Promise.all([jobsDone, system.run()]).then(() => {});
  return {
    done,
    stop: async () => {
      stopWorker(jobs);
      await done;
    },
  };
}

function stopWorker(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
