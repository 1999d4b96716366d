import { afterAll, describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;
const sql = await useSql(engine.databaseUrl);
useWatch(engine);

/** Every run of this file equals its history in the end. */
const runs: string[] = [];
afterAll(async () => {
  expect(runs.length).toBeGreaterThan(5);
});

const equal = { verdict: 'equal', differences: [] };

async function runShape(project: string, jobs: GraphDefinition['jobs']): Promise<string> {
  await engine.push({ project, jobs });
  const { id, handle } = await engine.start(project);
  await handle.result().catch(() => {});
  runs.push(id);
  return id;
}

async function startHanging(project: string) {
  await engine.push({
    project,
    jobs: { quick: { kind: 'noop' }, endless: { kind: 'endless', dependsOn: ['quick'] } },
  });
  const { id, handle } = await engine.start(project);
  await until(async () => {
    const { jobRuns } = await store.graphRuns.get(id);
    return jobRuns[1]?.state === 'RUNNING' ? true : undefined;
  }, 'the endless job runs');
  runs.push(id);
  return { id, handle };
}

describe('verify finds a run equal to its history', () => {
  it.each([
    ['succeeds', { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } }],
    [
      'fails and settles what is below',
      {
        bad: {
          kind: 'flaky',
          config: { failures: 9 },
          retry: { maximumAttempts: 2, initialInterval: '10ms' },
        },
        below: { kind: 'noop', dependsOn: ['bad'] },
        after: { kind: 'noop', dependsOn: ['below'], runIf: 'all_done' },
      },
    ],
    ['times out', { slow: { kind: 'endless', timeout: '50ms', retry: { maximumAttempts: 1 } } }],
    ['skips', { good: { kind: 'noop' }, alarm: { kind: 'noop', dependsOn: ['good'], runIf: 'any_failed' } }],
    ['has a large output', { large: { kind: 'output', config: { chars: 100_000 } } }],
  ] as [string, GraphDefinition['jobs']][])('that %s', async (name, jobs) => {
    const id = await runShape(name.replaceAll(' ', '-'), jobs);
    expect(await engine.verify(id)).toMatchObject(equal);
  });

  it('while it is open, and after it was cancelled', async () => {
    const { id, handle } = await startHanging('open');
    expect(await engine.verify(id)).toMatchObject(equal);
    await handle.cancel();
    await handle.result().catch(() => {});
    expect(await engine.verify(id)).toMatchObject(equal);
  });

  it('after it was terminated', async () => {
    const { id, handle } = await startHanging('terminated');
    await handle.terminate();
    await engine.ended(id);
    expect(await engine.verify(id)).toMatchObject(equal);
  });
});

describe('verify finds what was changed by hand', () => {
  it.each([
    [
      `UPDATE job_run SET state = 'FAILED', reason = 'lost', output = NULL, output_hash = NULL, output_bytes = NULL`,
      'state',
    ],
    [`UPDATE job_run SET output = '"x"', output_hash = 'x'`, 'output'],
  ])('%s', async (statement, fact) => {
    const id = await runShape(`changed-${fact}`, { a: { kind: 'noop' } });
    await sql.query(`${statement} WHERE graph_run_id = $1`, [id]);
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'different',
      differences: [{ job: 'a', fact }],
    });
  });

  it('a run that says SUCCESS while its workflow is open', async () => {
    const { id, handle } = await startHanging('claimed');
    await sql.query(`UPDATE graph_run SET state = 'SUCCESS', completed_at = now() WHERE id = $1`, [id]);
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'different',
      differences: [{ job: null, fact: 'state', row: 'SUCCESS', history: 'open' }],
    });
    await handle.terminate();
  });

  it('and says so when Temporal has nothing to compare with', async () => {
    await engine.push({ project: 'unopened', jobs: { a: { kind: 'noop' } } });
    const run = await store.graphRuns.create({
      project: 'unopened',
      params: {},
      select: null,
      actor: 'test',
    });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'unprovable' });
  });
});
