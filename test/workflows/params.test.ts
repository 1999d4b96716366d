import { describe, expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;

const params = {
  year: { type: 'integer', default: 2001 },
  day: { type: 'string', format: 'date' },
};

async function outputsOf(graphRunId: string): Promise<Record<string, unknown>> {
  const { jobRuns } = await store.graphRuns.get(graphRunId);
  const found = jobRuns.map(async ({ job, id }) => [job, (await store.jobRuns.get(id)).output] as const);
  return Object.fromEntries(await Promise.all(found));
}

describe('parameters', () => {
  it('are given to jobs, with the defaults', async () => {
    await engine.push({ project: 'given', params, jobs: { a: { kind: 'echo' } } });
    const run = await engine.run('given', undefined, { day: '2026-01-31' });
    expect([run.state, run.params]).toEqual(['SUCCESS', { year: 2001, day: '2026-01-31' }]);
    expect(await outputsOf(run.id)).toEqual({ a: { params: { year: 2001, day: '2026-01-31' } } });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });

  it('are given to a job that is run alone', async () => {
    await engine.push({ project: 'alone', params, jobs: { a: { kind: 'echo' } } });
    const { id } = await engine.startLone('alone', 'a', { day: '2026-01-31', year: 7 });
    const run = await engine.endedJob(id);
    expect(run.output).toEqual({ params: { year: 7, day: '2026-01-31' } });
  });

  it('of a run from outside are checked before anything starts: its row says why', async () => {
    await engine.push({ project: 'outside', params, jobs: { a: { kind: 'echo' } } });
    const good = await engine.startOutside('graphRun', { project: 'outside', params: { day: '2026-01-31' } });
    await good.result();
    const bad = await engine.startOutside('graphRun', { project: 'outside', params: { year: 'x' } });
    await expect(bad.result()).rejects.toThrow();
    const runs = await until(async () => {
      const { items } = await store.graphRuns.list({ project: 'outside' }, { limit: 10 });
      return items.length === 2 ? items : undefined;
    }, 'both have rows');
    expect(runs.map(({ state, reason, params: of }) => [state, reason, of])).toEqual([
      ['FAILED', 'invalid', { year: 'x' }],
      ['SUCCESS', null, { year: 2001, day: '2026-01-31' }],
    ]);
    expect(runs[0]?.error).toMatchObject({
      code: 'PARAMS_INVALID',
      message: expect.stringContaining('/params/day: the parameter "day" has no default and was not given'),
    });
    const lone = await engine.startOutside('jobRun', {
      project: 'outside',
      job: 'a',
      params: { day: '2026-02-01' },
    });
    await lone.result();
    const { items } = await store.jobRuns.listOfJob('outside', 'a', { limit: 1 });
    expect((await store.jobRuns.get(items[0]?.id ?? '')).output).toMatchObject({
      params: { day: '2026-02-01' },
    });
  });
});
