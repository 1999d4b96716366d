import type { JobRunDetail } from '../client/index.ts';
import { askAgain } from './ask-again.ts';
import type { Session } from './command.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { renderJobError } from './run-errors.ts';
import { formatSpan } from './text.ts';

const intervalMs = 300;

/**
 * Tells of a job run, a line for each change, until it has ended. The exit code is whether that is as was wanted. With --json
 * stdout gets the job run as it ended, and the lines go to stderr.
 */
export async function watchJobRun(
  { io, client, json, print, note }: Session,
  id: string,
  isDone: (run: JobRunDetail) => boolean,
): Promise<ExitCode> {
  const out = json ? io.stderr : io.stdout;
  let told = '';
  const tell = (run: JobRunDetail): void => {
    const what = [run.job, run.state, run.reason].filter(Boolean).join('  ');
    const took = run.completedAt === null ? '' : formatSpan(run, new Date());
    if (what !== told) {
      out.write(`${[`${new Date().toISOString().slice(11, 19)}Z`, what, took].filter(Boolean).join('  ')}\n`);
    }
    told = what;
  };
  try {
    const run = await askAgain({
      ask: () => client.jobRuns.get(id),
      take: (answer) => {
        tell(answer);
        return answer.completedAt !== null;
      },
      intervalMs,
      signal: io.interrupted,
    });
    const { graphRunId } = run;
    const error = renderJobError(run, graphRunId === null ? null : await client.graphRuns.get(graphRunId));
    if (error !== '') out.write(`\n${error}\n`);
    if (json) print(run, () => '');
    return isDone(run) ? exitCodes.done : exitCodes.runFailed;
  } catch (error) {
    if (!io.interrupted.aborted) throw error;
    note(`\nThe job run goes on; see how it ends with: graphrun show ${id}`);
    return exitCodes.interrupted;
  }
}
