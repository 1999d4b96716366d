// What people do to runs with Temporal's own command line.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { defaultTaskQueue, graphRunWorkflowId, workflowTypes } from '../../../workflows/contract.ts';
import type { FaultStack } from './fault-stack.ts';

type Stack = Pick<FaultStack, 'temporalCli' | 'temporalAddress' | 'temporalClient'>;

/** Runs `temporal ARGS...` against the stack's server. Resolves with what it says as JSON; null when it says nothing. */
export async function temporal(stack: Stack, ...args: readonly string[]): Promise<unknown> {
  const options = ['--address', stack.temporalAddress, '--output', 'json'];
  const { stdout } = await promisify(execFile)(stack.temporalCli, [...args, ...options]);
  return stdout.trim() === '' ? null : (JSON.parse(stdout) as unknown);
}

/** The same for a run that was started by the API: `temporal workflow COMMAND`, or `temporal activity COMMAND`. */
export function temporalFor(
  stack: Stack,
  command: string,
  graphRunId: string,
  ...args: readonly string[]
): Promise<unknown> {
  return temporal(stack, ...command.split(' '), '--workflow-id', graphRunWorkflowId(graphRunId, 1), ...args);
}

/** Starts a workflow of graph runs under an id of one's own. Resolves with the run id of its execution. */
export async function startOutside(
  stack: Stack,
  workflowId: string,
  input: Readonly<Record<string, unknown>>,
  options: readonly string[] = [],
): Promise<string> {
  const of = [
    '--workflow-id',
    workflowId,
    '--type',
    workflowTypes.graphRun,
    '--task-queue',
    defaultTaskQueue,
  ];
  const argument = ['--input', JSON.stringify(input)];
  const answer = await temporal(stack, 'workflow', 'start', ...of, ...argument, ...options);
  return (answer as { readonly runId: string }).runId;
}

/** Resets a run to its first or its latest workflow task, or to an event, of its latest execution unless told. */
export async function reset(
  stack: Stack,
  graphRunId: string,
  to: 'FirstWorkflowTask' | 'LastWorkflowTask' | number,
  runId?: string,
): Promise<string> {
  const point = typeof to === 'number' ? ['--event-id', String(to)] : ['--type', to];
  const options = [...point, ...(runId === undefined ? [] : ['--run-id', runId]), '--reason', 'a test'];
  const answer = await temporalFor(stack, 'workflow reset', graphRunId, ...options);
  return (answer as { readonly runId: string }).runId;
}

/** The workflow task that scheduled a job, as a point to reset to: the new execution schedules it anew. */
export async function taskThatScheduled(stack: Stack, graphRunId: string, job: string): Promise<number> {
  const workflowId = graphRunWorkflowId(graphRunId, 1);
  const { events } = await stack.temporalClient.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = events?.find(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityId === job,
  );
  const point = scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId;
  if (!point) throw new Error(`workflow ${workflowId} has not scheduled ${job}`);
  return Number(point);
}
