import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { GraphDefinition } from '../../graph/definition.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { temporalCli } from '../support/temporal-cli.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;
const sql = await useSql(engine.databaseUrl);
useWatch(engine);

const equal = { verdict: 'equal', differences: [], explained: [] };

type Job = GraphDefinition['jobs'][string];

/** Fails once and then succeeds, or waits an hour for its second try. */
const onceFailing: Job = { kind: 'flaky', config: { failures: 1 }, retry: { initialInterval: '10ms' } };
const longWaiting: Job = { kind: 'flaky', config: { failures: 1 }, retry: { initialInterval: '1h' } };

async function start(project: string, job: Job) {
  await engine.push({ project, jobs: { a: job } });
  const { id, handle } = await engine.start(project);
  const attempts = async () => {
    const [jobRun] = (await store.graphRuns.get(id)).jobRuns;
    return store.jobRuns.attempts(jobRun?.id ?? '');
  };
  return { id, handle, attempts };
}

async function startWaiting(project: string) {
  const started = await start(project, longWaiting);
  await until(async () => {
    const execution = await engine.temporal.describeNewest(started.handle.workflowId);
    return execution?.pending.get('a')?.nextAttemptAt ? true : undefined;
  }, 'the job waits for its next try');
  return started;
}

async function onActivity(command: string, handle: WorkflowHandle): Promise<void> {
  await temporalCli('activity', command, '--workflow-id', handle.workflowId, '--activity-id', 'a');
}

async function changeAttempts(statement: string, graphRunId: string): Promise<void> {
  await sql.query(`${statement} AND job_run_id IN (SELECT id FROM job_run WHERE graph_run_id = $1)`, [
    graphRunId,
  ]);
}

describe('the attempts of an ended job', () => {
  it('are equal to those that the history tells', async () => {
    const { id, handle, attempts } = await start('tried', onceFailing);
    await handle.result();
    expect(await attempts()).toHaveLength(2);
    expect(await engine.verify(id)).toMatchObject(equal);
  });

  it('differ when none is left of one that recorded its end', async () => {
    const { id, handle } = await start('deleted', { kind: 'noop' });
    await handle.result();
    await changeAttempts('DELETE FROM attempt WHERE true', id);
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'different',
      differences: [{ job: 'a', fact: 'attempts', row: '0', history: '1' }],
    });
  });

  it('are explained when one was lost before its start was written', async () => {
    const { id, handle } = await start('unseen', onceFailing);
    await handle.result();
    await changeAttempts('DELETE FROM attempt WHERE number = 1', id);
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'equal',
      explained: [
        { job: 'a', fact: 'attempts', row: '1', history: '2', why: expect.stringContaining('leaves no row') },
      ],
    });
  });

  it('differ in the error of the last, and of the one before', async () => {
    const { id, handle } = await start('errors', {
      kind: 'flaky',
      config: { failures: 9 },
      retry: { maximumAttempts: 2, initialInterval: '10ms' },
    });
    await handle.result().catch(() => {});
    expect(await engine.verify(id)).toMatchObject(equal);
    const other = `jsonb_build_object('type', 'Error', 'message', 'another')`;
    await sql.query(`UPDATE job_run SET error = ${other} WHERE graph_run_id = $1`, [id]);
    await changeAttempts(`UPDATE attempt SET error = ${other} WHERE number = 1`, id);
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'different',
      differences: [
        { job: 'a', fact: 'error', row: 'another', history: 'try 2 failed' },
        { job: 'a', fact: 'error', row: 'another', history: 'try 1 failed' },
      ],
    });
  });

  it('are counted per execution: of a job that a reset kept, in the one that ran it', async () => {
    await engine.push({
      project: 'kept',
      jobs: { a: onceFailing, endless: { kind: 'endless', dependsOn: ['a'] } },
    });
    const { id, handle } = await engine.start('kept');
    const works = (epoch: number) =>
      until(async () => {
        const { jobRuns } = await store.graphRuns.get(id);
        return jobRuns[1]?.state === 'RUNNING' && jobRuns[1].epoch === epoch ? true : undefined;
      }, `the endless job runs in epoch ${epoch}`);
    await works(1);
    const { events } = await handle.fetchHistory();
    const points = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
    const eventId = String(points.at(-1)?.eventId);
    const target = ['--workflow-id', handle.workflowId, '--event-id', eventId, '--reason', 'a test'];
    await temporalCli('workflow', 'reset', ...target);
    await works(2);
    expect((await store.graphRuns.get(id)).jobRuns).toMatchObject([
      { epoch: 1, attempts: 2 },
      { epoch: 2, attempts: 2 },
    ]);
    expect(await engine.verify(id)).toMatchObject(equal);
    await engine.client.workflow.getHandle(handle.workflowId).terminate();
    await engine.ended(id);
    expect(await engine.verify(id)).toMatchObject(equal);
  });
});

describe('the attempts of an open job', () => {
  it('are equal while it waits for the next, also paused; and differ in the last error', async () => {
    const { id, handle } = await startWaiting('waiting');
    expect(await engine.verify(id)).toMatchObject(equal);
    await onActivity('pause', handle);
    expect(await engine.verify(id)).toMatchObject(equal);
    await changeAttempts(
      `UPDATE attempt SET error = jsonb_set(error, '{message}', '"another"') WHERE number = 1`,
      id,
    );
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'different',
      differences: [{ job: 'a', fact: 'error', row: 'another', history: 'try 1 failed' }],
    });
    await handle.terminate();
  });

  it('are explained after an activity reset, which counts from 1 again', async () => {
    const { id, handle, attempts } = await startWaiting('counted-anew');
    await onActivity('reset', handle);
    await until(async () => ((await attempts()).length === 2 ? true : undefined), 'it is tried again');
    await until(async () => {
      const execution = await engine.temporal.describeNewest(handle.workflowId);
      return execution?.pending.get('a')?.nextAttemptAt ? true : undefined;
    }, 'it waits again');
    expect(await engine.verify(id)).toMatchObject({
      verdict: 'equal',
      explained: [
        {
          job: 'a',
          fact: 'attempts',
          row: '2',
          history: '1',
          why: expect.stringContaining('counts from 1 again'),
        },
      ],
    });
    await handle.terminate();
  });
});
