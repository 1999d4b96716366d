import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inject } from 'vitest';

/** Runs the Temporal CLI against the suite's server, as people do. */
export async function temporalCli(...args: readonly string[]): Promise<string> {
  const address = ['--address', inject('temporalAddress')];
  const { stdout } = await promisify(execFile)(inject('temporalCli'), [...args, ...address]);
  return stdout;
}
