import type { Command } from 'commander';
import type { GraphRunView, JobRunDetail } from '../../client/index.ts';
import { type Session, type Setting, serverCommand } from '../command.ts';
import { ofEitherRun } from '../either-run.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { formatAsked } from '../text.ts';
import { watchJobRun } from '../watch-job-run.ts';
import { watchToEnd } from './watch.ts';

interface Flags {
  readonly note?: string;
  readonly watch: boolean;
}

/** `graphrun cancel <runId>`: a graph run, a job of one, or a job that was run alone. */
export function cancelCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'cancel <runId>', cancel)
    .summary('cancels a run')
    .description(
      'Cancels a graph run, a job of one, or a job that was run alone: jobs that work are told to stop, and nothing more is ' +
        'started. Of a graph run whose job is cancelled all else goes on by its rules. ' +
        'Returns once the request is kept; it is carried out though Temporal or all workers are away.',
    )
    .option('--note <text>', 'why, in up to 500 characters; "graphrun show" tells it')
    .option('--watch', 'shows the run until it has ended; exit code 1 if not by the cancel', false);
}

async function cancel(
  session: Session,
  [id = '']: string[],
  { note, watch }: Flags,
): Promise<ExitCode | undefined> {
  const { client, print } = session;
  const cancelled = await ofEitherRun<GraphRunView | JobRunDetail>(id, {
    graphRun: (run) => client.graphRuns.cancel(run, { note }),
    jobRun: (run) => client.jobRuns.cancel(run, { note }),
  });
  const isDone = ({ reason }: GraphRunView | JobRunDetail) => reason === 'cancelled';
  // Of the two only a graph run has jobs.
  if (watch && 'jobCounts' in cancelled) return watchToEnd(session, id, isDone);
  if (watch) return watchJobRun(session, id, isDone);
  const { state, cancelRequest } = cancelled;
  print(cancelled, () => `${state}, cancelled ${cancelRequest === null ? '' : formatAsked(cancelRequest)}`);
  session.note(`see how it ends with: graphrun show ${id}`);
  return exitCodes.done;
}
