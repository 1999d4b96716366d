import { readFileSync, rmSync } from 'node:fs';
import { writeFileAtomic } from './atomic-file.ts';
import { hasCode } from './processes.ts';

type ServiceName = 'postgres' | 'temporal' | 'worker' | 'api';

/** What `stack.json` tells the CLI, scripts and tests about a stack that is up. */
export interface StackInfo {
  /** The process that keeps the others; ending it ends the stack. */
  readonly pid: number;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly temporalAddress: string;
  /** null where the stack was given a Temporal server and does not know. */
  readonly temporalUiUrl: string | null;
  /** Path of a Temporal CLI; null where TEMPORAL_ADDRESS is given and no CLI was found. */
  readonly temporalCli: string | null;
  readonly databaseUrl: string;
  readonly warehouseUrl: string;
  /** Only of the services that this stack started itself. */
  readonly pids: Readonly<Partial<Record<ServiceName, number>>>;
}

/** Writes the file in one step, readable by its owner only, since it holds the API key and passwords. */
export function writeStackFile(file: string, info: StackInfo): void {
  writeFileAtomic(file, `${JSON.stringify(info, null, 2)}\n`);
}

/** Removes the file: no file, no stack. */
export function removeStackFile(file: string): void {
  rmSync(file, { force: true });
}

/** Reads the file; undefined when no stack is up or the file is not one of ours. */
export function readStackFile(file: string): StackInfo | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isStackInfo(content) ? content : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isStackInfo(content: unknown): content is StackInfo {
  if (typeof content !== 'object' || content === null) return false;
  const texts = ['apiUrl', 'apiKey', 'temporalAddress', 'databaseUrl', 'warehouseUrl'];
  const fields = new Map(Object.entries(content));
  return (
    typeof fields.get('pid') === 'number' &&
    typeof fields.get('pids') === 'object' &&
    texts.every((name) => typeof fields.get(name) === 'string')
  );
}
