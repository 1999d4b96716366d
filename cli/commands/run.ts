import type { Command } from 'commander';
import { gather, type Session, type Setting, serverCommand } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { readParams } from '../read-params.ts';
import { startOnce } from '../start-once.ts';
import { watchToEnd } from './watch.ts';

interface Flags {
  readonly select?: string[];
  readonly param?: string[];
  readonly idempotencyKey?: string;
  readonly watch: boolean;
}

/** `graphrun run <project>`: runs the current graph. */
export function runCommand(setting: Setting): Command {
  return serverCommand<Flags>(setting, 'run <project>', run)
    .summary('runs the graph of a project')
    .description('Runs the current graph of a project, and prints the id of the run.')
    .option(
      '--select <expr>',
      'only these jobs: job, +job (with upstream), job+ (with downstream); repeatable',
      gather,
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
    .option('--watch', 'shows the run until it has ended; exit code 1 if it failed', false);
}

async function run(session: Session, [project = '']: string[], flags: Flags): Promise<ExitCode | undefined> {
  const params = readParams(flags.param ?? []);
  const { select } = flags;
  const started = await startOnce(session, flags.idempotencyKey, (idempotencyKey) =>
    session.client.graphRuns.start(project, { params, select, idempotencyKey }),
  );
  if (flags.watch) return watchToEnd(session, started.id);
  session.print(started, () => started.id);
  session.note(`watch it with: graphrun watch ${started.id}`);
  return exitCodes.done;
}
