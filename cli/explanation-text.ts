import type { Explanation, WaitingJob } from '../client/index.ts';
import {
  count,
  formatColumns,
  formatDuration,
  formatTime,
  printable,
  styleState,
  styleTitles,
} from './text.ts';

/** Of each reason; the rest is counted. */
const shownPerReason = 20;
/** These explain themselves once the others are mended. */
const restful = new Set<WaitingJob['reason']>(['upstream', 'window']);
const shownOfRestful = 5;

/** What to do comes first, then job by job, then who polls what. Pure. */
export function renderExplanation(explanation: Explanation, now: Date, color: boolean): string {
  const { run, waiting, jobs, queues } = explanation;
  const state = [styleState(run.state, color), run.reason].filter(Boolean).join(' ');
  const parts = [`${run.project} · run ${run.id} · ${state}\n${printable(run.message)}`];
  if (jobs.length > 0) parts.push(renderJobs(waiting, jobs, now, color));
  if (queues.length > 0) parts.push(renderQueues(queues, now, color));
  return parts.join('\n\n');
}

function renderJobs(
  waiting: Explanation['waiting'],
  jobs: readonly WaitingJob[],
  now: Date,
  color: boolean,
): string {
  const rows: string[][] = [];
  const hidden: string[] = [];
  for (const { reason, jobs: number } of waiting) {
    const most = restful.has(reason) ? shownOfRestful : shownPerReason;
    const shown = jobs.filter((job) => job.reason === reason).slice(0, most);
    rows.push(...shown.map((job) => rowOf(job, now, color)));
    if (number > shown.length) hidden.push(`${number - shown.length} more ${reason}`);
  }
  const titles = styleTitles(['JOB', 'STATE', 'WHY', 'ATTEMPTS', 'TIME', 'JOB RUN', ''], color);
  const parts = [formatColumns([titles, ...rows], [3, 4])];
  if (hidden.length > 0) parts.push(`… and ${hidden.join(', ')}`);
  if (jobs.some(({ reason }) => reason === 'retry'))
    parts.push('a next attempt begins at once with: graphrun retry JOB_RUN');
  return parts.join('\n');
}

function rowOf(job: WaitingJob, now: Date, color: boolean): string[] {
  return [
    job.job,
    styleState(job.state, color),
    job.reason,
    job.attempt === 0 ? '' : String(job.attempt),
    timeOf(job, now),
    job.jobRunId,
    printable(job.message + silenceOf(job, now)),
  ];
}

/** Until the next attempt, or since the one that runs began. */
function timeOf({ nextAttemptAt, since }: WaitingJob, now: Date): string {
  if (nextAttemptAt !== null) return `in ${formatDuration(Date.parse(nextAttemptAt) - now.getTime())}`;
  return since === null ? '' : formatDuration(now.getTime() - Date.parse(since));
}

const silentMs = 5_000;

/** A worker beats every second: one that does not is busy beyond measure, or gone. */
function silenceOf({ reason, lastHeartbeatAt }: WaitingJob, now: Date): string {
  const silence = lastHeartbeatAt === null ? 0 : now.getTime() - Date.parse(lastHeartbeatAt);
  const isSilent = silence > silentMs && (reason === 'running' || reason === 'stopping');
  return isSilent ? `; no heartbeat for ${formatDuration(silence)}` : '';
}

function renderQueues(queues: Explanation['queues'], now: Date, color: boolean): string {
  const rows = queues.map(({ taskQueue, kind, pollers, lastPollAt, backlog }) => [
    printable(taskQueue),
    kind,
    pollers === 0 ? 'no worker polls' : `${count(pollers, 'worker')} polling`,
    lastPollAt === null ? 'never' : agoOf(lastPollAt, now),
    backlog === null ? '' : String(backlog),
  ]);
  const titles = styleTitles(['TASK QUEUE', 'OF', 'WORKERS', 'LAST POLL', 'WAITING'], color);
  return formatColumns([titles, ...rows], [4]);
}

const dayMs = 86_400_000;

function agoOf(iso: string, now: Date): string {
  const ms = now.getTime() - Date.parse(iso);
  return ms > dayMs ? formatTime(iso) : `${formatDuration(ms)} ago`;
}
