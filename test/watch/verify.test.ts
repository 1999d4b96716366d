import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { verifyGraphRun } from '../../watch/verify.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store, inspector } = engine;
const sql = await useSql(engine.databaseUrl);
useWatch(engine);

const equal = { verdict: 'equal', differences: [], explained: [], why: null };

async function runShape(project: string, jobs: GraphDefinition['jobs']): Promise<string> {
  await engine.push({ project, jobs });
  const { id, handle } = await engine.start(project);
  await handle.result().catch(() => {});
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
  return { id, handle };
}

async function startLoneEndless(project: string) {
  await engine.push({ project, jobs: { endless: { kind: 'endless' } } });
  const started = await engine.startLone(project, 'endless');
  await until(
    async () => ((await store.jobRuns.get(started.id)).state === 'RUNNING' ? true : undefined),
    'the endless job runs',
  );
  return started;
}

const failing = {
  kind: 'flaky',
  config: { failures: 9 },
  retry: { maximumAttempts: 2, initialInterval: '10ms' },
} as const;

describe('verify finds a run equal to its history', () => {
  it.each([
    ['succeeds', { a: { kind: 'noop' }, b: { kind: 'noop', dependsOn: ['a'] } }],
    [
      'fails and settles what is below',
      {
        bad: failing,
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

  it('at any time while its jobs go on', async () => {
    const jobs = Array.from({ length: 120 }, (_, at) => {
      const dependsOn = at < 20 ? [] : [`j${at - 20}`, `j${at - 1 - (at % 20)}`];
      return [
        `j${at}`,
        at % 7 === 0 ? { ...failing, dependsOn, allowFailure: true } : { kind: 'noop', dependsOn },
      ];
    });
    await engine.push({ project: 'moving', jobs: Object.fromEntries(jobs) });
    const { id } = await engine.start('moving');
    const verdicts: string[] = [];
    await until(async () => {
      const { verdict, differences } = await engine.verify(id);
      verdicts.push(verdict, ...differences.map((difference) => JSON.stringify(difference)));
      return (await store.graphRuns.get(id)).completedAt === null ? undefined : true;
    }, 'it ends');
    expect(verdicts.length).toBeGreaterThan(5);
    expect(verdicts.filter((verdict) => !['equal', 'unprovable'].includes(verdict))).toEqual([]);
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

describe('verify of a job that was run alone finds it equal', () => {
  it.each([
    ['succeeds', { kind: 'noop' }],
    ['fails', failing],
    ['times out', { kind: 'endless', timeout: '50ms', retry: { maximumAttempts: 1 } }],
  ] as const)('that %s', async (name, job) => {
    const project = `lone-${name.replaceAll(' ', '-')}`;
    await engine.push({ project, jobs: { a: job } });
    const { id, handle } = await engine.startLone(project, 'a');
    await handle.result().catch(() => {});
    expect(await inspector.verifyJobRun(id)).toMatchObject(equal);
  });

  it('while it is open, and after it was cancelled', async () => {
    const { id, handle } = await startLoneEndless('lone-open');
    expect(await inspector.verifyJobRun(id)).toMatchObject(equal);
    await handle.cancel();
    await engine.endedJob(id);
    await handle.result().catch(() => {});
    expect(await store.jobRuns.get(id)).toMatchObject({ reason: 'cancelled' });
    expect(await inspector.verifyJobRun(id)).toMatchObject(equal);
  });

  it('after it was completed from outside, which its workflow settles', async () => {
    const { id, handle } = await startLoneEndless('lone-completed');
    await engine.client.activity.complete(
      { workflowId: handle.workflowId, activityId: 'endless' },
      'by hand',
    );
    expect(await engine.endedJob(id)).toMatchObject({ state: 'SUCCESS' });
    await handle.result();
    expect(await inspector.verifyJobRun(id)).toMatchObject(equal);
  });

  it('after it was terminated', async () => {
    const { id, handle } = await startLoneEndless('lone-terminated');
    await handle.terminate();
    await engine.endedJob(id);
    expect(await inspector.verifyJobRun(id)).toMatchObject(equal);
  });

  it('but not one that was changed by hand', async () => {
    await engine.push({ project: 'lone-changed', jobs: { a: { kind: 'noop' } } });
    const { id, handle } = await engine.startLone('lone-changed', 'a');
    await handle.result();
    await sql.query(
      `UPDATE job_run SET state = 'FAILED', reason = 'error', output = NULL, output_hash = NULL,
      output_bytes = NULL WHERE id = $1`,
      [id],
    );
    expect(await inspector.verifyJobRun(id)).toMatchObject({
      verdict: 'different',
      differences: [{ job: 'a', fact: 'state', row: 'FAILED', history: 'SUCCESS' }],
    });
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

  it('a run that says SUCCESS while its workflow is open, and a job while its activity is', async () => {
    const { id, handle } = await startHanging('claimed');
    await sql.query(`UPDATE graph_run SET state = 'SUCCESS', completed_at = now() WHERE id = $1`, [id]);
    await sql.query(`UPDATE job_run SET state = 'SUCCESS', completed_at = now() WHERE graph_run_id = $1`, [
      id,
    ]);
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'different',
      differences: [
        { job: null, fact: 'state', row: 'SUCCESS', history: 'open' },
        { job: 'endless', fact: 'state', row: 'SUCCESS', history: 'open' },
      ],
    });
    await handle.terminate();
  });

  it('a job that works though nobody was told to', async () => {
    await engine.push({
      project: 'eager',
      jobs: { endless: { kind: 'endless' }, below: { kind: 'noop', dependsOn: ['endless'] } },
    });
    const { id, handle } = await engine.start('eager');
    await until(async () => ((await store.graphRuns.get(id)).startedAt ? true : undefined), 'it is open');
    await sql.query(
      `UPDATE job_run SET state = 'RUNNING', started_at = now() WHERE graph_run_id = $1 AND place = 1`,
      [id],
    );
    expect(await engine.verify(id)).toMatchObject({
      differences: [{ job: 'below', fact: 'state', row: 'RUNNING', history: 'not scheduled' }],
    });
    await handle.terminate();
  });

  it('and tells of one job run what concerns it', async () => {
    const id = await runShape('changed-one', { a: { kind: 'noop' }, b: { kind: 'noop' } });
    const [a, b] = (await store.graphRuns.get(id)).jobRuns.map((job) => job.id);
    await sql.query(`UPDATE job_run SET output = '"x"', output_hash = 'x' WHERE id = $1`, [a]);
    expect(await inspector.verifyJobRun(a ?? '')).toMatchObject({ verdict: 'different' });
    expect(await inspector.verifyJobRun(b ?? '')).toMatchObject(equal);
  });
});

describe('verify says that it cannot tell', () => {
  it('of a run that no workflow has opened', async () => {
    await engine.push({ project: 'unopened', jobs: { a: { kind: 'noop' } } });
    const run = await store.graphRuns.create({
      project: 'unopened',
      params: {},
      select: null,
      actor: 'test',
    });
    const why = 'no execution has opened the run yet';
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'unprovable', why });
    const lone = await store.jobRuns.create({ project: 'unopened', job: 'a', actor: 'test' });
    expect(await inspector.verifyJobRun(lone.id)).toMatchObject({ verdict: 'unprovable', why });
  });

  it('of a run whose workflow is gone, by its retention or deleted', async () => {
    await engine.push({ project: 'gone', jobs: { a: { kind: 'noop' } } });
    const { id, workflowId } = await store.graphRuns.create({
      project: 'gone',
      params: {},
      select: null,
      actor: 'test',
    });
    // As far as Temporal can tell, this one was there once.
    const runId = randomUUID();
    const identity = { workflowId, runId, firstExecutionRunId: runId };
    const known = { graphRunId: id, epoch: 1 };
    const input = { project: 'gone', params: {}, select: null, actor: 'test' };
    await store.execution.openGraphRun({ identity, known, ...input });
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'unprovable',
      why: expect.stringContaining('does not have the history any more'),
    });
  });

  it('of a run that is not valid', async () => {
    const handle = await engine.startOutside('graphRun', { project: 'nobody-has-this' });
    await handle.result().catch(() => {});
    const { items } = await store.graphRuns.list({ state: 'FAILED' }, { limit: 50 });
    const invalid = items.find(({ project }) => project === 'nobody-has-this');
    expect(await engine.verify(invalid?.id ?? '')).toMatchObject({
      verdict: 'unprovable',
      why: expect.stringContaining('not valid'),
    });
  });
});

it('verify tells when a reset has put another execution in the place of the newest Task', async () => {
  const id = await runShape('replaced', { a: { kind: 'noop' } });
  const { temporal } = engine;
  const describe = async (task: { workflowId: string; runId: string }) => {
    const view = await temporal.describe(task);
    return view && { ...view, resetRunId: 'newer' };
  };
  const [task] = (await store.graphRuns.get(id)).tasks;
  expect(await verifyGraphRun({ store, temporal: { ...temporal, describe } }, id)).toMatchObject({
    verdict: 'different',
    differences: [{ job: null, fact: 'execution', row: task?.runId, history: 'newer' }],
  });
});
