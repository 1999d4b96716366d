import { describe, expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';
import { query } from '../warehouse/sql.ts';

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

describe('values of the run in a config', () => {
  it('are filled in before the kind reads it', async () => {
    await engine.push({
      project: 'filled',
      params,
      jobs: {
        a: { kind: 'echo', config: { year: 5, any: { rows: [1, 2] } } },
        b: {
          kind: 'echo',
          config: {
            year: '{{ params.year }}',
            text: '{{ params.day }}/{{ outputs.a.year }}',
            any: '{{ outputs.a.any }}',
          },
        },
      },
    });
    const run = await engine.run('filled', undefined, { day: '2026-01-31' });
    expect(run.state).toBe('SUCCESS');
    expect((await outputsOf(run.id)).b).toMatchObject({
      year: 2001,
      text: '2026-01-31/5',
      any: { rows: [1, 2] },
    });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });

  it('are literals in SQL', async () => {
    const sql =
      'select {{ params.day }}::date + {{ outputs.a.year }} as day, {{ run.scheduledAt }}::timestamptz as at';
    await engine.push({
      project: 'literals',
      params,
      jobs: { a: { kind: 'echo', config: { year: 5 } }, b: { kind: 'transform', config: { sql } } },
    });
    const run = await engine.run('literals', undefined, { day: '2026-01-31' });
    expect(run.state).toBe('SUCCESS');
    const rows = await query(engine.warehouseUrl, 'select day::text, at from literals.b');
    expect(rows).toEqual([['2026-02-05', new Date(run.createdAt)]]);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
    const { id } = await engine.startLone('literals', 'b', { day: '2026-01-31' });
    const alone = await engine.endedJob(id);
    expect([alone.state, alone.error?.code]).toEqual(['FAILED', 'JOB_CONFIG_INVALID']);
    expect(alone.error?.message).toContain(
      'config/sql: {{ outputs.a.year }}: job "a" has no output in this run',
    );
  });

  it('fail the job at once where they are not what the kind asks for, or are not there', async () => {
    await engine.push({
      project: 'misfit',
      jobs: {
        a: { kind: 'echo', config: { text: 'x' } },
        b: { kind: 'echo', config: { year: '{{ outputs.a.text }}' } },
        c: { kind: 'echo', config: { year: '{{ outputs.a.rows }}' } },
      },
    });
    const { jobRuns } = await engine.run('misfit');
    expect(
      jobRuns.map(({ job, state, reason, attempts, error }) => [job, state, reason, attempts, error?.code]),
    ).toEqual([
      ['a', 'SUCCESS', null, 1, undefined],
      ['b', 'FAILED', 'error', 1, 'JOB_CONFIG_INVALID'],
      ['c', 'FAILED', 'error', 1, 'JOB_CONFIG_INVALID'],
    ]);
    expect(jobRuns[1]?.error?.message).toContain(
      'config/year: Invalid input: expected number, received string',
    );
    expect(jobRuns[2]?.error?.message).toContain(
      'config/year: {{ outputs.a.rows }}: there is no "rows" in it',
    );
  });

  it('are missing of jobs above one that is run alone', async () => {
    const jobs = { a: { kind: 'echo' }, b: { kind: 'echo', config: { any: '{{ outputs.a.year }}' } } };
    await engine.push({ project: 'apart', jobs });
    const { id } = await engine.startLone('apart', 'b');
    const run = await engine.endedJob(id);
    expect([run.state, run.error?.code]).toEqual(['FAILED', 'JOB_CONFIG_INVALID']);
    expect(run.error?.message).toContain('job "a" has no output in this run');
  });
});
