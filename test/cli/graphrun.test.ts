import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const entry = fileURLToPath(new URL('../../cli/graphrun.ts', import.meta.url));
const execute = promisify(execFile);

/** The program as people start it, in a process of its own. */
async function graphrun(...args: string[]) {
  const env = { PATH: process.env.PATH, GRAPHRUN_HOME: '/nowhere' };
  const done = execute(process.execPath, [entry, ...args], { env });
  return await done.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}

test('its exit code is that of the command', async () => {
  expect(await graphrun('--version')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
  expect(await graphrun('runs', '--json')).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringContaining('none is known'),
  });
});

test('start hands its flags to the local stack, and its answer back', async () => {
  expect(await graphrun('start', '--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--once'),
  });
  expect(await graphrun('start', '--no-such-flag')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--no-such-flag'),
  });
});
