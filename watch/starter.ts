import {
  Client,
  type Connection,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Environment } from '../graph/environment.ts';
import { CodedError } from '../graph/errors.ts';
import type { ScheduleToPush } from '../store/schedule-pushes.ts';
import type { JobRunToStart, RunToStart } from '../store/store.ts';
import {
  defaultTaskQueue,
  type GraphRunInput,
  type JobRunInput,
  projectSearchAttribute,
  workflowTypes,
} from '../workflows/contract.ts';
import { type ActivityRetrier, createActivityRetrier } from './activity-retrier.ts';
import { type Canceller, createCanceller } from './canceller.ts';
import { type Push, pushSchedule } from './schedules/push-schedule.ts';
import { scheduleTimeoutMs } from './schedules/schedule-view.ts';
import { createTemporalSchedules } from './schedules/temporal-schedules.ts';
import { createSignaller, type Signaller } from './signaller.ts';
import { connectLazily } from './temporal-connection.ts';

/**
 * Starts the workflows of runs whose rows are there, and tells them what is asked of them. Starting one twice is the same as once. Resolves with
 * the run id of the execution, or with null when the workflow had been started before.
 */
export interface Starter extends Canceller, Signaller, ActivityRetrier {
  /** @throws CodedError TEMPORAL_UNAVAILABLE: the row stays PENDING, and the start may be tried again at any time */
  startGraphRun(run: RunToStart): Promise<string | null>;
  /** @throws CodedError TEMPORAL_UNAVAILABLE, likewise */
  startJobRun(run: JobRunToStart): Promise<string | null>;
  /** Makes it, changes it or deletes it in Temporal. @throws CodedError TEMPORAL_UNAVAILABLE, likewise */
  pushSchedule(schedule: ScheduleToPush): Promise<Push>;
  /** The next times of one, as Temporal reads it. @throws CodedError TEMPORAL_UNAVAILABLE, likewise */
  scheduleTimes(temporalId: string, count: number): Promise<number[]>;
  /** By its id in Temporal. @throws CodedError TEMPORAL_UNAVAILABLE, likewise */
  removeSchedule(temporalId: string): Promise<void>;
  /** Resolves when Temporal answers for the namespace. @throws CodedError TEMPORAL_UNAVAILABLE */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface StarterSettings {
  readonly temporal: Environment['temporal'];
  readonly taskQueue?: string;
  /** For one try; it is the caller who tries again. */
  readonly timeoutMs?: number;
}

const startTimeoutMs = 5_000;
const scheduleLookAheadMs = 5 * 366 * 86_400_000;
const pingTimeoutMs = 2_000;
const projectKey = defineSearchAttributeKey(projectSearchAttribute, SearchAttributeType.KEYWORD);
/** gRPC codes that say "this server does not tell", rather than "ask again". */
const notTold = new Set([5, 7, 12, 16]);

/** Connects only when it is used: the API starts, and answers, while Temporal is away. */
export function createStarter(settings: StarterSettings): Starter {
  const { temporal, taskQueue = defaultTaskQueue, timeoutMs = startTimeoutMs } = settings;
  const connection = connectLazily(temporal);
  const { namespace } = temporal;
  const client = new Client({ connection, namespace });
  const within =
    (limitMs: number) =>
    <Answer>(call: () => Promise<Answer>) =>
      withinTime(connection, limitMs, call);
  const calls = { connection, namespace, within: within(timeoutMs) };
  let registered: boolean | undefined;
  const scheduleCalls = { client, taskQueue, within: within(settings.timeoutMs ?? scheduleTimeoutMs) };
  const schedules = createTemporalSchedules(scheduleCalls);

  const start = (
    type: string,
    run: RunToStart,
    options: Pick<WorkflowStartOptions, 'args' | 'staticSummary' | 'staticDetails'>,
  ) =>
    withinTime(connection, timeoutMs, async () => {
      registered ??= await isAttributeRegistered(connection, namespace);
      try {
        const started = await client.workflow.start(type, {
          workflowId: run.workflowId,
          taskQueue,
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
          ...options,
          ...(registered && { typedSearchAttributes: [{ key: projectKey, value: run.project }] }),
        });
        return started.firstExecutionRunId;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
        // The refusal may be of the search attribute, which is asked for again then.
        registered = undefined;
        throw error;
      }
    });

  return {
    startGraphRun: (run) => {
      const input: GraphRunInput = { project: run.project, graphRunId: run.id };
      const staticDetails = `Graph run \`${run.id}\` of the project **${run.project}**.`;
      return start(workflowTypes.graphRun, run, { args: [input], staticSummary: run.project, staticDetails });
    },
    startJobRun: (run) => {
      const input: JobRunInput = { project: run.project, job: run.job, jobRunId: run.id };
      const staticDetails = `Job run \`${run.id}\`: the job **${run.job}** of the project **${run.project}**, run alone.`;
      return start(workflowTypes.jobRun, run, {
        args: [input],
        staticSummary: `${run.project} / ${run.job}`,
        staticDetails,
      });
    },
    ...createCanceller(calls),
    ...createSignaller(calls),
    ...createActivityRetrier(calls),
    pushSchedule: (schedule) => pushSchedule(schedules, schedule, Date.now()),
    scheduleTimes: async (temporalId, count) => {
      const window = { after: Date.now(), until: Date.now() + scheduleLookAheadMs };
      return (await schedules.times(temporalId, window)).slice(0, count);
    },
    removeSchedule: (temporalId) => schedules.remove(temporalId),
    ping: () =>
      withinTime(connection, pingTimeoutMs, async () => {
        await connection.workflowService.describeNamespace({ namespace });
      }),
    close: () => connection.close(),
  };
}

/** An unregistered search attribute would fail the start, so it is left out where it is not there. */
async function isAttributeRegistered(connection: Connection, namespace: string): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return projectSearchAttribute in customAttributes;
  } catch (error) {
    if (isGrpcServiceError(error) && notTold.has(error.code)) return false;
    throw error;
  }
}

async function withinTime<Answer>(
  connection: Connection,
  timeoutMs: number,
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await connection.withDeadline(Date.now() + timeoutMs, work);
  } catch (error) {
    throw new CodedError(
      'TEMPORAL_UNAVAILABLE',
      'Temporal (TEMPORAL_ADDRESS) does not answer as it should.',
      { cause: error },
    );
  }
}
