import { Client, type WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Explanation, WaitReason } from '../../graph/inspections.ts';
import { createInspector } from '../../watch/inspector.ts';
import { connectLazily } from '../../watch/temporal-connection.ts';
import { createTemporalView } from '../../watch/temporal-view.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { temporalCli } from '../support/temporal-cli.ts';
import { until } from '../support/until.ts';

// No watch: what it would mend within seconds is to be seen.
const { kinds } = createTestKinds();
const engine = await useEngine(kinds);
const { store, inspector, client } = engine;

/** Explains until the explanation is as expected; Temporal and the rows take their time. */
function explained(
  ask: () => Promise<Explanation>,
  is: (explanation: Explanation) => boolean,
  what: string,
): Promise<Explanation> {
  return until(async () => {
    const explanation = await ask();
    return is(explanation) ? explanation : undefined;
  }, what);
}

const started: WorkflowHandle[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((handle) => handle.terminate().catch(() => {})));
});

async function start(project: string, select?: readonly string[]) {
  const run = await engine.start(project, select);
  started.push(run.handle);
  return run;
}

function reasonOf({ jobs }: Explanation, key: string): WaitReason | undefined {
  return jobs.find(({ job }) => job === key)?.reason;
}

async function startUntil(project: string, job: string, reason: WaitReason) {
  const { id, handle } = await start(project);
  const explanation = await explained(
    () => inspector.explainGraphRun(id),
    // Rows are read before Temporal is asked.
    (found) => reasonOf(found, job) === reason && found.jobs.some((it) => it.job === job && it.attempt === 1),
    `${job} is ${reason}`,
  );
  const jobOf = (key: string) => explanation.jobs.find((found) => found.job === key);
  return { id, handle, explanation, jobOf };
}

async function createRun(project: string) {
  return store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
}

describe('a run that has not begun', () => {
  it('was never started', async () => {
    await engine.push({ project: 'never', jobs: { a: { kind: 'noop' } } });
    const { id } = await createRun('never');
    expect(await inspector.explainGraphRun(id)).toMatchObject({
      run: { type: 'graph_run', id, project: 'never', state: 'PENDING', reason: 'not_started' },
      temporalAnswered: true,
      waiting: [{ reason: 'queued', jobs: 1 }],
      jobs: [{ job: 'a', state: 'PENDING', reason: 'queued' }],
      queues: [
        { taskQueue: engine.taskQueue, kind: 'workflow', pollers: 1, backlog: 0 },
        { taskQueue: engine.taskQueue, kind: 'activity', pollers: 1 },
        { taskQueue: `${engine.taskQueue}-system`, kind: 'activity', pollers: 1 },
      ],
    });
  });

  it('waits on a task queue that no worker polls', async () => {
    await engine.push({ project: 'deserted', jobs: { a: { kind: 'noop' } } });
    const run = await createRun('deserted');
    const taskQueue = `nobody-polls-${run.id}`;
    const args = [{ project: 'deserted', graphRunId: run.id }];
    started.push(await client.workflow.start('graphRun', { taskQueue, workflowId: run.workflowId, args }));
    const explanation = await explained(
      () => inspector.explainGraphRun(run.id),
      ({ queues }) => queues[0]?.backlog === 1,
      'its task is in the queue',
    );
    expect(explanation).toMatchObject({
      run: { state: 'PENDING', reason: 'no_worker', message: expect.stringContaining(`"${taskQueue}"`) },
      queues: [{ taskQueue, kind: 'workflow', pollers: 0, lastPollAt: null, backlog: 1 }, {}, {}],
    });
  });

  it('is stuck, since its workflow task fails', async () => {
    await engine.push({ project: 'stuck', jobs: { a: { kind: 'noop' } } });
    const run = await createRun('stuck');
    const { taskQueue } = engine;
    started.push(await client.workflow.start('noSuchWorkflow', { taskQueue, workflowId: run.workflowId }));
    const explanation = await explained(
      () => inspector.explainGraphRun(run.id),
      (found) => found.run.reason === 'stuck',
      'it is stuck',
    );
    expect(explanation.run.message).toContain("Failed to initialize workflow of type 'noSuchWorkflow'");
  });
});

describe('a job that is not done', () => {
  it('waits for those above it, also through those that were left out', async () => {
    await engine.push({
      project: 'upstream',
      jobs: {
        quick: { kind: 'noop' },
        endless: { kind: 'endless' },
        between: { kind: 'noop', dependsOn: ['endless'] },
        below: { kind: 'noop', dependsOn: ['quick', 'between'] },
      },
    });
    const { id } = await start('upstream', ['quick', 'endless', 'below']);
    const explanation = await explained(
      () => inspector.explainGraphRun(id),
      ({ jobs }) => jobs[0]?.state === 'RUNNING' && jobs[0].reason === 'running' && jobs.length === 2,
      'quick is done, and endless works',
    );
    expect(explanation).toMatchObject({
      run: {
        state: 'RUNNING',
        reason: null,
        message: 'It goes on: 1 running, 1 waiting for jobs above them.',
      },
      waiting: [
        { reason: 'running', jobs: 1 },
        { reason: 'upstream', jobs: 1 },
      ],
      jobs: [
        {
          job: 'endless',
          state: 'RUNNING',
          attempt: 1,
          worker: expect.stringContaining(String(process.pid)),
        },
        {
          job: 'below',
          state: 'PENDING',
          waitsFor: ['endless'],
          waitsForCount: 1,
          message: 'waits for endless',
        },
      ],
    });
    expect(explanation.jobs[0]?.since).not.toBeNull();
    await explained(
      () => inspector.explainGraphRun(id),
      ({ jobs }) => jobs[0]?.lastHeartbeatAt !== null,
      'its heartbeat shows',
    );
  });

  it('waits for its next attempt, and tells the last error', async () => {
    await engine.push({
      project: 'retried',
      jobs: { a: { kind: 'flaky', config: { failures: 1 }, retry: { initialInterval: '1h' } } },
    });
    const { handle, jobOf } = await startUntil('retried', 'a', 'retry');
    expect(jobOf('a')).toMatchObject({
      attempt: 1,
      lastError: { type: 'Error', message: 'try 1 failed' },
      message: 'attempt 2 of 3 comes next; the last one: try 1 failed',
    });
    const waitMs = Date.parse(jobOf('a')?.nextAttemptAt ?? '') - Date.now();
    expect(waitMs).toBeGreaterThan(55 * 60_000);
    expect(waitMs).toBeLessThan(60 * 60_000);

    const { workflowId } = handle;
    await temporalCli('activity', 'pause', '--workflow-id', workflowId, '--activity-id', 'a');
    const id = workflowId.split('/')[1] ?? '';
    const paused = await inspector.explainGraphRun(id);
    expect(paused.jobs).toMatchObject([
      {
        ...{ job: 'a', reason: 'paused', since: expect.any(String), lastError: { message: 'try 1 failed' } },
        message: expect.stringMatching(
          /^paused in Temporal by \S+; to go on: temporal activity unpause --workflow-id \S+ --activity-id a$/,
        ),
      },
    ]);
  });

  it('waits for a place in the window, or for a free worker; of many the first hundred are told', async () => {
    const endless = Array.from({ length: 120 }, (_, at) => [`e${at}`, { kind: 'endless' }] as const);
    const below = Array.from({ length: 130 }, (_, at) => {
      return [`b${at}`, { kind: 'noop', dependsOn: endless.map(([key]) => key).slice(0, 12) }] as const;
    });
    await engine.push({ project: 'wide', jobs: Object.fromEntries([...endless, ...below]) });
    const { id } = await start('wide');
    // The worker runs 20 at once.
    const explanation = await explained(
      () => inspector.explainGraphRun(id),
      ({ waiting }) => waiting.some(({ reason, jobs }) => reason === 'running' && jobs === 20),
      'all slots are taken',
    );
    expect(explanation.waiting).toEqual([
      { reason: 'queued', jobs: 80 },
      { reason: 'running', jobs: 20 },
      { reason: 'window', jobs: 20 },
      { reason: 'upstream', jobs: 130 },
    ]);
    expect(explanation.jobs.filter(({ reason }) => reason === 'upstream')).toHaveLength(100);
    expect(explanation.jobs.at(-1)).toMatchObject({
      waitsForCount: 12,
      message: 'waits for e0, e1, e2, e3, e4, e5, e6, e7, e8, e9 and 2 more',
    });
    expect(explanation.jobs.find(({ reason }) => reason === 'window')?.message).toContain('at most 100 jobs');
  });

  it('is explained by itself: alone, or with its graph run', async () => {
    await engine.push({
      project: 'single',
      jobs: { endless: { kind: 'endless' }, below: { kind: 'noop', dependsOn: ['endless'] } },
    });
    const { id } = await startUntil('single', 'endless', 'running');
    const below = (await store.graphRuns.get(id)).jobRuns[1]?.id ?? '';
    expect(await inspector.explainJobRun(below)).toMatchObject({
      run: { type: 'graph_run', id },
      waiting: [{ reason: 'upstream', jobs: 1 }],
      jobs: [{ job: 'below', jobRunId: below, waitsFor: ['endless'] }],
    });
    const lone = await engine.startLone('single', 'endless');
    started.push(lone.handle);
    const explanation = await explained(
      () => inspector.explainJobRun(lone.id),
      ({ run, jobs }) => run.state === 'RUNNING' && jobs[0]?.reason === 'running',
      'it runs',
    );
    expect(explanation.run).toMatchObject({ type: 'job_run', id: lone.id, state: 'RUNNING' });
  });
});

describe('a run that Temporal has ended', () => {
  it('is about to be followed by its rows', async () => {
    await engine.push({ project: 'ended', jobs: { endless: { kind: 'endless' } } });
    const { id, handle } = await startUntil('ended', 'endless', 'running');
    await handle.terminate();
    expect((await inspector.explainGraphRun(id)).run).toMatchObject({
      state: 'RUNNING',
      reason: 'catching_up',
      message: expect.stringContaining('has ended in Temporal as TERMINATED'),
    });
  });

  it('and whose rows say so has nothing that waits', async () => {
    await engine.push({ project: 'done', jobs: { a: { kind: 'noop' } } });
    const { id } = await engine.run('done');
    expect(await inspector.explainGraphRun(id)).toMatchObject({
      run: { state: 'SUCCESS', reason: null, message: expect.stringContaining(`graphrun show ${id}`) },
      ...{ temporalAnswered: true, waiting: [], jobs: [], queues: [] },
    });
  });
});

describe('while Temporal does not answer', () => {
  const connection = connectLazily({ address: '127.0.0.1:9', namespace: 'default' });
  afterAll(() => connection.close());
  const temporal = createTemporalView(new Client({ connection }));
  const away = createInspector({ store, temporal, taskQueue: engine.taskQueue });

  it('explain tells what the rows say, and that it does not', async () => {
    await engine.push({
      project: 'away',
      jobs: { endless: { kind: 'endless' }, below: { kind: 'noop', dependsOn: ['endless'] } },
    });
    const { id } = await startUntil('away', 'endless', 'running');
    expect(await away.explainGraphRun(id)).toMatchObject({
      run: {
        state: 'RUNNING',
        message: expect.stringContaining('Temporal (TEMPORAL_ADDRESS) does not answer'),
      },
      temporalAnswered: false,
      jobs: [
        { job: 'endless', reason: 'running', message: 'runs, by its row' },
        { job: 'below', reason: 'upstream', waitsFor: ['endless'] },
      ],
      queues: [],
    });
    await expect(away.verifyGraphRun(id)).rejects.toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
    await expect(away.verifyRuns({}, { limit: 1 })).rejects.toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
  });
});
