import { expect, test } from 'vitest';
import { renderResumePlan } from '../../cli/resume-plan-text.ts';
import type { GraphRunView, ResumePlanView } from '../../client/index.ts';
import type { JobEnd } from '../../graph/states.ts';
import { twoJobs } from '../api/test-api.ts';
import { carryOut, useCli } from './use-cli.ts';

const { call, makeProject, run, store } = await useCli();

const failed = (reason: 'error' | 'upstream_failed'): JobEnd => ({ state: 'FAILED', reason });
const success: JobEnd = { state: 'SUCCESS', reason: null };

async function endedRun(jobs: Readonly<Record<string, JobEnd>>): Promise<string> {
  const { body } = await call<GraphRunView>('POST', `/v1/projects/${await makeProject()}/runs`);
  await carryOut(store, body, jobs);
  return body.id;
}

test('plan shows what runs again and why, and how to do it', async () => {
  const id = await endedRun({ load: success, count: failed('error') });
  const { code, stdout, stderr } = await run(['plan', id]);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(new RegExp(`^do it with: graphrun resume ${id} --plan [0-9a-f]{64}\n$`)),
  ]);
  expect(stdout).toMatch(
    /^run \S+ · epoch 1 → 2 · version 1\n\nACTION +JOB +WHY\nrerun +count +was not reached\nkeep +load +succeeded\n\n1 to run again, 1 kept\n\nplan [0-9a-f]{64}\n$/,
  );
});

test('resume does it, once, and only as planned', async () => {
  const id = await endedRun({ load: failed('error'), count: failed('upstream_failed') });
  const { stdout } = await run(['plan', id, '--from', 'load', '--json']);
  const { hash }: ResumePlanView = JSON.parse(stdout);
  const other = await run(['resume', id, '--plan', hash]);
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('PLAN_OUTDATED')]);
  const done = await run(['resume', id, '--from', 'load', '--plan', hash]);
  expect([done.code, done.stdout, done.stderr]).toEqual([
    0,
    `${id}\n`,
    `epoch 2; watch it with: graphrun watch ${id}\n`,
  ]);
  const again = await run(['resume', id, '--from', 'load,count']);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('RUN_IS_OPEN')]);
});

test('plan and resume tell that a later graph is there to go on by', async () => {
  const id = await endedRun({ load: failed('error'), count: failed('upstream_failed') });
  const { project } = await store.graphRuns.get(id);
  const later = { ...twoJobs(project), onFailure: 'stop' };
  await call('PUT', `/v1/projects/${project}/graph`, { payload: later });
  const hint = 'it goes on by version 1 of the graph; version 2 is current: --latest takes it\n';
  expect((await run(['plan', id])).stderr).toContain(hint);
  expect((await run(['plan', id, '--latest'])).stderr).not.toContain('--latest takes it');
  expect((await run(['resume', id])).stderr).toContain(hint);
});

test.each(['+load', 'count+'])('--from %s is refused with why', async (selector) => {
  const { code, stderr } = await run(['plan', 'any', '--from', `load,${selector}`]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`no selectors as "${selector}": all below`)]);
});

test('a plan says in words what each job follows from', () => {
  const reasons = [
    { reason: 'downstream', because: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
    { reason: 'input_changed', because: ['routes'] },
  ] as const;
  const jobs = [
    { job: 'late', action: 'rerun', reasons },
    { job: 'gone', action: 'drop', reasons: [{ reason: 'removed', because: [] }] },
  ] as const;
  const plan = { graphRunId: 'r', epoch: 1, version: 2, latestVersion: 2, hash: 'h', jobs: [...jobs] };
  const text = renderResumePlan(plan, false);
  expect(text).toContain('below a, b, c, d, e and 2 more; reads what was replaced since: routes');
  expect(text).toContain('is not in the graph any more');
  expect(text).toContain('1 to run again, 0 kept, 1 dropped');
});
