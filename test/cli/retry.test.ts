import { expect, test } from 'vitest';
import type { GraphRunView } from '../../client/index.ts';
import { jobRunIdOf } from '../../store/index.ts';
import { useCli } from './use-cli.ts';

const { call, makeProject, run } = await useCli();

test('retry of a job that does not wait for an attempt is refused, and what to do is told', async () => {
  const { id } = (await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`)).body;
  const jobRun = jobRunIdOf(id, 'load');
  const { code, stderr } = await run(['retry', jobRun, '--note', 'mended']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('JOB_NOT_WAITING')]);
  expect(stderr).toContain(`"graphrun explain ${jobRun}" tells what it waits for`);
});

test('retry of what is not there is refused', async () => {
  const { code, stderr } = await run(['retry', 'not-an-id']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('JOB_RUN_UNKNOWN')]);
});
