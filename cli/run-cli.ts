import { Command, CommanderError } from 'commander';
import { GraphrunError, ServerUnreachable } from '../client/index.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { Setting } from './command.ts';
import { backfillCommand } from './commands/backfill.ts';
import { cancelCommand } from './commands/cancel.ts';
import { explainCommand } from './commands/explain.ts';
import { jobsCommand } from './commands/jobs.ts';
import { markCommand } from './commands/mark.ts';
import { pauseCommand, unpauseCommand } from './commands/pause.ts';
import { poolsCommand } from './commands/pools.ts';
import { pushCommand } from './commands/push.ts';
import { planCommand, resumeCommand } from './commands/resume.ts';
import { retryCommand } from './commands/retry.ts';
import { runCommand } from './commands/run.ts';
import { runJobCommand } from './commands/run-job.ts';
import { runsCommand } from './commands/runs.ts';
import { scheduleCommand } from './commands/schedule.ts';
import { showCommand } from './commands/show.ts';
import { startCommand } from './commands/start.ts';
import { verifyCommand } from './commands/verify.ts';
import { watchCommand } from './commands/watch.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import { indent, printable } from './text.ts';

const exitCodeHelp = `
Exit codes:
  0  done
  1  the run failed (run --watch, run-job --watch, resume --watch, watch), was not cancelled (cancel --watch), or
     differs from Temporal's history (verify)
  2  wrong use, or an input that the server refused
  3  the server cannot be reached, or cannot serve at the moment`;

/** Runs one command line, and resolves with its exit code; it never rejects. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const setting: Setting = { io, outcome: { code: exitCodes.done } };
  const isJson = args.includes('--json');
  const program = new Command('graphrun')
    .description('Runs graphs of data jobs durably on Temporal.')
    .version(packageJson.version)
    .addHelpText('after', exitCodeHelp);
  const commands = [
    startCommand,
    pushCommand,
    runCommand,
    runJobCommand,
    runsCommand,
    showCommand,
    watchCommand,
    cancelCommand,
    pauseCommand,
    unpauseCommand,
    retryCommand,
    markCommand,
    planCommand,
    resumeCommand,
    verifyCommand,
    explainCommand,
    jobsCommand,
    scheduleCommand,
    backfillCommand,
    poolsCommand,
  ];
  for (const make of commands) program.addCommand(make(setting));
  // Each command has its own: settings are not handed down by addCommand.
  for (const command of withSubcommands(program)) {
    command.showHelpAfterError('(--help tells how it is used)').exitOverride();
    command.configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => isJson || io.stderr.write(text),
    });
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return setting.outcome.code;
  } catch (error) {
    // The help that was asked for is out already.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    const exitCode = error instanceof CommanderError ? exitCodes.refused : exitCodeOf(error);
    if (isJson) io.stderr.write(`${JSON.stringify(toProblem(error, exitCode))}\n`);
    // So is the message of one of the command line.
    else if (!(error instanceof CommanderError)) io.stderr.write(`${explain(error)}\n`);
    return exitCode;
  }
}

/** Lines below the first one, as of code with a mark beneath, stand further in. */
function aligned(message: string): string {
  return indent(message.replaceAll(/\n{2,}/g, '\n')).trimStart();
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** What programs are told on one line of stderr: a server's problem as it is, all else in the same shape. */
function toProblem(error: unknown, exitCode: ExitCode) {
  if (error instanceof GraphrunError) {
    const { status, code, title, message: detail, problems, data } = error;
    return { exitCode, code, status, title, detail, problems, data };
  }
  const detail = error instanceof Error ? error.message : String(error);
  if (error instanceof ServerUnreachable)
    return { exitCode, code: 'SERVER_UNREACHABLE', detail, url: error.url };
  return { exitCode, code: exitCode === exitCodes.refused ? 'USAGE' : 'BROKEN', detail };
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  if (exitCodeOf(error) === exitCodes.broken) return `a bug in graphrun: ${error.stack ?? error.message}`;
  if (!(error instanceof GraphrunError)) return `error: ${printable(error.message)}`;
  const problems = error.problems.map(({ path, code, message }) =>
    indent(`${path === '' ? '(all)' : path}  ${code}  ${aligned(message)}`, '  '),
  );
  return printable([`error: ${error.message} (${error.code})`, ...problems].join('\n'));
}
