import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

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
    stderr: expect.stringMatching(
      /^\{"exitCode":3,"code":"SERVER_UNREACHABLE","detail":".*none is known.*\}\n$/,
    ),
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

const folder = mkdtempSync(join(tmpdir(), 'graphrun-outside-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a graph outside of the checkout imports graphrun', async () => {
  const file = join(folder, 'graph.ts');
  writeFileSync(
    file,
    "import { defineGraph } from 'graphrun';\nimport { createClient } from 'graphrun/client';\n" +
      'void createClient;\nexport default defineGraph({ project: "p", jobs: {} });\n',
  );
  const pushed = await graphrun('push', file, '--url', 'http://127.0.0.1:9');
  expect(pushed).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/^error: .*cannot be reached.*\n$/),
  });
});

test.each([
  ['throws.ts', 'const a: number = 1;\nthrow new TypeError("not " + a);\n', ':2:7  TypeError: not 1'],
  ['broken.ts', 'const a = 1;\nexport default { a: \n', ':2'],
  ['broken.mjs', 'export default }\n', 'SyntaxError: Unexpected token'],
  ['imports.ts', "import 'no-such-package';\n", 'no-such-package'],
])('%s is told in one line, with its place', async (name, text, told) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  const { code, stderr } = await graphrun('push', file, '--url', 'http://127.0.0.1:9');
  expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
  expect(stderr).toMatch(/^error: [^\n]*\n$/);
  expect(stderr).toContain(file);
});
