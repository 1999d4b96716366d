import { Command } from 'commander';
import { type Client, ServerUnreachable } from '../client/index.ts';
import { type ExitCode, exitCodes, UsageError } from './exit-codes.ts';
import type { Io } from './io.ts';
import { connect, type ServerFlags } from './server.ts';

/** What a command is given. */
export interface Session {
  readonly io: Io;
  readonly client: Client;
  readonly json: boolean;
  /** Data, to stdout: as JSON with `--json`, else as `text` says it. */
  print(data: unknown, text: () => string): void;
  /** All the rest, to stderr. */
  note(text: string): void;
}

/** Where the exit code of the command that ran is left; done unless it says otherwise. */
interface Outcome {
  code: number;
}

/** What commands are made with. */
export interface Setting {
  readonly io: Io;
  readonly outcome: Outcome;
}

type Work<Flags> = (session: Session, args: string[], flags: Flags) => Promise<ExitCode | undefined>;

/** A command that talks to a server: with the flags that all of these share. */
export function serverCommand<Flags = unknown>(
  { io, outcome }: Setting,
  nameAndArgs: string,
  work: Work<Flags>,
): Command {
  const [name = '', ...args] = nameAndArgs.split(' ');
  const command = new Command(name)
    .option('--url <url>', 'the server (default: GRAPHRUN_API_URL, else the local stack)')
    .option('--api-key <key>', "an API key (default: GRAPHRUN_API_KEY, else the local stack's)")
    .option('--json', 'data as JSON on stdout', false);
  for (const arg of args) command.argument(arg);
  return command.action(async (...given: unknown[]) => {
    const flags = command.opts<Flags & ServerFlags & { json: boolean }>();
    const { client, help } = connect(io, flags);
    const session = openSession(io, client, flags.json);
    const texts = given.slice(0, args.length).map(toText);
    refuseEmpty(command.name(), args, texts);
    outcome.code = (await work(session, texts, flags).catch(addHelp(help))) ?? exitCodes.done;
  });
}

function openSession(io: Io, client: Client, json: boolean): Session {
  return {
    io,
    client,
    json,
    print: (data, text) => io.stdout.write(`${json ? JSON.stringify(data, null, 2) : text()}\n`),
    note: (text) => io.stderr.write(`${text}\n`),
  };
}

function addHelp(help: string | undefined): (error: unknown) => never {
  return (error) => {
    if (help === undefined || !(error instanceof ServerUnreachable)) throw error;
    throw new ServerUnreachable(error.url, `${error.reason}. ${help}`, error);
  };
}

/** As a variable of a shell is that was never set. @throws UsageError */
function refuseEmpty(command: string, args: readonly string[], texts: readonly string[]): void {
  const empty = args.find((arg, place) => arg.startsWith('<') && texts[place]?.trim() === '');
  if (empty !== undefined) throw new UsageError(`${command} needs ${empty}, and was given an empty text.`);
}

/** An argument that was left out is the empty text. */
function toText(argument: unknown): string {
  return typeof argument === 'string' ? argument : '';
}

/** Gathers the values of a flag that may be repeated. @throws UsageError */
export function gather(value: string, before: readonly string[] = []): string[] {
  if (value.trim() === '')
    throw new UsageError('a flag was given an empty text: give it a value, or leave it out.');
  return [...before, value];
}

/** Reads a flag that takes a whole number from 1 on. @throws UsageError */
export function readCount(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1) return number;
  throw new UsageError(`"${text}" is not a number from 1 on.`);
}
