import type { Command } from 'commander';
import { gather, type Session, type Setting, serverCommand } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { readParams } from '../read-params.ts';
import { startOnce } from '../start-once.ts';
import { watchJobRun } from '../watch-job-run.ts';

interface Flags {
  readonly param?: string[];
  readonly idempotencyKey?: string;
  readonly watch: boolean;
}

/** `graphrun run-job <project> <job>`: runs one job of the current graph alone. */
export function runJobCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'run-job <project> <job>', runJob)
    .summary('runs one job of a project alone')
    .description(
      'Runs one job of the current graph alone, without those above and below it, and prints the id of the job run.',
    )
    .option(
      '--param <name=value>',
      'a parameter; the value is JSON where it can be read so, else text; repeatable',
      gather,
    )
    .option(
      '--idempotency-key <key>',
      'carried out once, however often it is sent with this key within a day; prints the same id',
    )
    .option('--watch', 'tells of the job run until it has ended; exit code 1 if it failed', false);
}

async function runJob(
  session: Session,
  [project = '', job = '']: string[],
  { param, idempotencyKey: givenKey, watch }: Flags,
): Promise<ExitCode> {
  const params = readParams(param ?? []);
  const started = await startOnce(session, givenKey, (idempotencyKey) =>
    session.client.jobs.run(project, job, { params, idempotencyKey }),
  );
  if (watch) return watchJobRun(session, started.id, ({ state }) => state === 'SUCCESS');
  session.print(started, () => started.id);
  session.note(`see how it ends with: graphrun show ${started.id}`);
  return exitCodes.done;
}
