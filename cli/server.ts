import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Client, createClient, ServerUnreachable } from '../client/index.ts';
import { UsageError } from './exit-codes.ts';
import type { Io } from './io.ts';

/** The flags by which every command that talks to a server can be told which. */
export interface ServerFlags {
  readonly url?: string;
  readonly apiKey?: string;
}

export interface Server {
  readonly client: Client;
  /** What to do where it does not answer, as far as that is known. */
  readonly help: string | undefined;
}

/**
 * The server that flags, else the environment, else a local stack (stack.json) name. The stack's key is used for its own
 * URL only: it is no one else's to know.
 */
export function connect(io: Io, flags: ServerFlags): Server {
  const files = stackFiles(io);
  const stack = files.map(readStack).find((found) => found !== undefined);
  const url = flags.url ?? nonEmpty(io.env.GRAPHRUN_API_URL) ?? stack?.apiUrl;
  if (url === undefined) {
    const help = 'Start a local one with "npm start", or name one with --url or GRAPHRUN_API_URL';
    throw new ServerUnreachable('The server', `none is known (read: ${files.join(', ')}). ${help}`);
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`"${url}" is not a URL; expected one such as http://127.0.0.1:4400.`);
  const isOfStack = url === stack?.apiUrl;
  const apiKey = flags.apiKey ?? nonEmpty(io.env.GRAPHRUN_API_KEY) ?? (isOfStack ? stack.apiKey : undefined);
  return { client: createClient({ url, apiKey }), help: isOfStack ? helpWith(stack) : undefined };
}

interface Stack {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly pid?: unknown;
}

/** GRAPHRUN_HOME alone where it is set, since whoever sets it wants no other stack. */
function stackFiles({ env, cwd, packageDir }: Io): string[] {
  const home = nonEmpty(env.GRAPHRUN_HOME);
  const homes =
    home === undefined ? [join(cwd, '.graphrun'), join(packageDir, '.graphrun')] : [resolve(cwd, home)];
  return [...new Set(homes.map((dir) => join(dir, 'stack.json')))];
}

function readStack(file: string): Stack | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isStack(content) ? content : undefined;
  } catch {
    // No stack is up here, or its file is not one to read.
    return undefined;
  }
}

/** A stack that was killed leaves its file behind. */
function helpWith({ pid }: Stack): string | undefined {
  if (typeof pid !== 'number' || isAlive(pid)) return undefined;
  return `The local stack is not up (its process ${pid} is gone); start it with: npm start`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function isStack(content: unknown): content is Stack {
  if (typeof content !== 'object' || content === null) return false;
  return (
    'apiUrl' in content &&
    typeof content.apiUrl === 'string' &&
    'apiKey' in content &&
    typeof content.apiKey === 'string'
  );
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
