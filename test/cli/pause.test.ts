import { expect, test } from 'vitest';
import type { GraphRunView } from '../../client/index.ts';
import { useCli } from './use-cli.ts';

const { call, makeProject, run } = await useCli();

async function startRun(): Promise<GraphRunView> {
  return (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
}

test('pause prints how the run is, and who paused it why; unpause lets it go on', async () => {
  const { id } = await startRun();
  const paused = await run(['pause', id, '--note', 'too hot']);
  expect([paused.code, paused.stderr]).toEqual([0, `let it go on with: graphrun unpause ${id}\n`]);
  expect(paused.stdout).toMatch(/^PENDING, paused \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ by key:editor: too hot\n$/);
  expect((await run(['show', id])).stdout).toMatch(/^paused +\d{4}-.* by key:editor: too hot$/m);
  const on = await run(['unpause', id, '--note', 'cool']);
  expect([on.code, on.stdout]).toEqual([0, 'PENDING, not paused\n']);
  expect((await run(['show', id])).stdout).not.toMatch(/^paused /m);
});

test('pause --json and unpause --json print the run', async () => {
  const { id } = await startRun();
  const paused: GraphRunView = JSON.parse((await run(['pause', id, '--json'])).stdout);
  expect([paused.id, paused.pause]).toEqual([id, { at: expect.any(String), by: 'key:editor', note: null }]);
  const on: GraphRunView = JSON.parse((await run(['unpause', id, '--json'])).stdout);
  expect([on.id, on.pause]).toEqual([id, null]);
});

test.each(['pause', 'unpause'])('%s of a run that is not there is refused', async (command) => {
  const { code, stderr } = await run([command, 'not-an-id']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('GRAPH_RUN_UNKNOWN')]);
});
