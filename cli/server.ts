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

/**
 * A client of the server that flags, else the environment, else a local stack (stack.json) name. The stack's key is
 * used for its own URL only: it is no one else's to know.
 */
export function connect(io: Io, flags: ServerFlags): Client {
  const stack = readStack(io);
  const url = flags.url ?? nonEmpty(io.env.GRAPHRUN_API_URL) ?? stack?.apiUrl;
  if (url === undefined) {
    const help = 'Start a local one with "graphrun start", or name one with --url or GRAPHRUN_API_URL';
    throw new ServerUnreachable('The server', `none is known. ${help}`);
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`"${url}" is not a URL; expected one such as http://127.0.0.1:4400.`);
  const apiKey =
    flags.apiKey ?? nonEmpty(io.env.GRAPHRUN_API_KEY) ?? (url === stack?.apiUrl ? stack.apiKey : undefined);
  return createClient({ url, apiKey });
}

interface Stack {
  readonly apiUrl: string;
  readonly apiKey: string;
}

function readStack(io: Io): Stack | undefined {
  const home = resolve(io.cwd, nonEmpty(io.env.GRAPHRUN_HOME) ?? '.graphrun');
  try {
    const content: unknown = JSON.parse(readFileSync(join(home, 'stack.json'), 'utf8'));
    return isStack(content) ? content : undefined;
  } catch {
    // No stack is up here, or its file is not one to read.
    return undefined;
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
