import type { Command } from 'commander';
import type { AttemptView, GraphRunDetail, JobRunDetail } from '../../client/index.ts';
import type { CancelledRun } from '../cancel-text.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { unknownRun, unlessUnknown } from '../either-run.ts';
import { useColor } from '../io.ts';
import { renderJobError } from '../run-errors.ts';
import { renderRun } from '../run-table.ts';
import {
  formatAsked,
  formatBytes,
  formatColumns,
  formatSpan,
  formatTime,
  indent,
  printable,
  styleState,
  styleTitles,
} from '../text.ts';

/** `graphrun show <id>`: a graph run with its jobs, or a job run with its output, error and attempts. */
export function showCommand(setting: Setting): Command {
  return serverCommand(setting, 'show <runId>', show)
    .summary('shows a graph run or a job run')
    .description('Shows a graph run with its jobs, or a job run with its output, error and attempts.');
}

async function show(session: Session, [id = '']: string[]): Promise<undefined> {
  const { client, io, print } = session;
  const graphRun = await unlessUnknown(client.graphRuns.get(id));
  if (graphRun) print(graphRun, () => renderGraphRun(graphRun, new Date(), useColor(io.stdout)));
  else await showJobRun(session, id);
}

async function showJobRun({ client, io, print }: Session, id: string): Promise<void> {
  const jobRun = await unlessUnknown(client.jobRuns.get(id));
  if (!jobRun) throw unknownRun(id);
  const attempts = await client.jobRuns.attempts(id);
  const { graphRunId } = jobRun;
  const ofRun = graphRunId === null ? null : await client.graphRuns.get(graphRunId);
  const view = { now: new Date(), color: useColor(io.stdout), ofRun };
  print({ ...jobRun, attemptList: attempts }, () => renderJobRun(jobRun, attempts, view));
}

function renderGraphRun(run: GraphRunDetail, now: Date, color: boolean): string {
  const facts = [
    ['version', String(run.version ?? '')],
    ['origin', originOf(run)],
    ['time', run.schedule === null ? '' : `${formatTime(run.scheduledAt)} of ${run.schedule}`],
    ['created', `${formatTime(run.createdAt)} by ${printable(run.createdBy)}`],
    ['select', run.select === null ? '' : printable(run.select.join(', '))],
    ['params', Object.keys(run.params).length === 0 ? '' : JSON.stringify(run.params)],
    ['cancelled', run.cancelRequest === null ? '' : formatAsked(run.cancelRequest)],
    ['paused', run.pause === null ? '' : formatAsked(run.pause)],
    ['workflow', run.workflowId],
  ];
  return `${renderFacts(facts)}\n\n${renderRun(run, now, { color, ids: true })}`;
}

function originOf({ origin, afterRunId, backfillId }: GraphRunDetail): string {
  if (afterRunId !== null) return `after run ${afterRunId}`;
  return backfillId === null ? origin : `backfill ${backfillId}`;
}

function renderJobRun(
  run: JobRunDetail,
  attempts: readonly AttemptView[],
  view: { now: Date; color: boolean; ofRun: CancelledRun | null },
): string {
  const { now, color, ofRun } = view;
  const facts = [
    ['job', `${run.job} (${run.kind}) of ${run.project}`],
    ['state', [styleState(run.state, color), run.reason].filter(Boolean).join(' ')],
    ['graph run', run.graphRunId ?? 'none: run alone'],
    ['created', `${formatTime(run.createdAt)} by ${printable(run.createdBy)}`],
    ['started', formatTime(run.startedAt)],
    ['time', formatSpan(run, now)],
    ['next attempt', run.reason === 'retry' ? formatTime(run.error?.retryAt ?? null) : ''],
    ['cancelled', run.cancelRequest === null ? '' : formatAsked(run.cancelRequest)],
    ['marked', run.mark === null ? '' : `as done ${formatAsked(run.mark)}`],
    ['workflow', run.tasks.at(-1)?.workflowId ?? ''],
  ];
  const parts = [renderFacts(facts)];
  if (run.output !== null) {
    parts.push(
      `output (${formatBytes(run.outputBytes ?? 0)}):\n${indent(printable(JSON.stringify(run.output, null, 2)))}`,
    );
  }
  if (run.markOutput !== null && run.output === null) {
    parts.push(`output by the mark:\n${indent(printable(JSON.stringify(run.markOutput, null, 2)))}`);
  }
  const error = renderJobError(run, ofRun);
  if (error !== '') parts.push(error);
  if (attempts.length > 0) parts.push(renderAttempts(attempts, { ...view, told: run.error?.message }));
  return parts.join('\n\n');
}

function renderAttempts(
  attempts: readonly AttemptView[],
  { now, color, told }: { now: Date; color: boolean; told: string | undefined },
): string {
  const isResumed = attempts.some(({ epoch }) => epoch > 1);
  const epochTitle = isResumed ? ['EPOCH'] : [];
  const titles = ['ATTEMPT', ...epochTitle, 'STATE', 'REASON', 'STARTED', 'TIME', 'WORKER'];
  const rows = attempts.map((attempt) => [
    String(attempt.number),
    ...(isResumed ? [String(attempt.epoch)] : []),
    styleState(attempt.state, color),
    attempt.reason ?? '',
    formatTime(attempt.startedAt),
    formatSpan(attempt, now),
    printable(attempt.worker),
  ]);
  const errors = attempts.flatMap(({ number, error }, place) => {
    const isTold = place === attempts.length - 1 && error?.message === told;
    return error === null || isTold ? [] : [`attempt ${number}: ${printable(error.message)}`];
  });
  const numbers = isResumed ? [0, 1, 5] : [0, 4];
  return [formatColumns([styleTitles(titles, color), ...rows], numbers), ...errors].join('\n');
}

/** One fact a line; those that are empty are left out. */
function renderFacts(facts: readonly string[][]): string {
  return formatColumns(facts.filter(([, value]) => value !== ''));
}
