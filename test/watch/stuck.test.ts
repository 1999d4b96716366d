// A workflow task that keeps failing: a broken deploy, and then one that works.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import type { RunningWorkers } from '../../worker/worker.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds } = createTestKinds();
const engine = await useEngine(kinds, undefined, { isIdle: true });
const { store } = engine;
const sql = await useSql(engine.databaseUrl);
const watch = useWatch(engine);
const folder = await mkdtemp(join(tmpdir(), 'graphrun-test-'));
afterAll(() => rm(folder, { recursive: true }));

const shownWithinMs = 5_000;

async function bundle(fixture: string) {
  const workflowsPath = fileURLToPath(new URL(`./fixtures/${fixture}.ts`, import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const codePath = join(folder, `${fixture}.js`);
  await writeFile(codePath, code);
  return { codePath };
}

function when(
  id: string,
  is: (run: GraphRunDetail) => boolean,
  what: string,
  withinMs = shownWithinMs,
): Promise<GraphRunDetail> {
  return until(
    async () => {
      const run = await store.graphRuns.get(id);
      return is(run) ? run : undefined;
    },
    what,
    withinMs,
  );
}

async function statesOf(id: string) {
  const events = await sql.query<{ state: string; reason: string | null; actor: string }>(
    'SELECT state, reason, actor FROM event WHERE graph_run_id = $1 AND job_run_id IS NULL ORDER BY number',
    [id],
  );
  return events.map(({ state, reason, actor }) => {
    return `${state}${reason ? `/${reason}` : ''} ${actor === 'watch' ? 'by the watch' : ''}`.trim();
  });
}

const correctionsOf = ({ workflowId }: WorkflowHandle) =>
  watch.corrections.filter((correction) => correction.endsWith(workflowId)).map((text) => text.split(' ')[0]);

/** Those of the latest deploy that works. */
let workers: RunningWorkers | undefined;

describe('a deploy whose workflows', { timeout: 60_000 }, () => {
  it('throw shows on the runs that it has, and no longer than until the next deploy', async () => {
    await engine.push({
      project: 'goes-on',
      jobs: { a: { kind: 'noop', config: { ms: 2_000 } }, b: { kind: 'endless', dependsOn: ['a'] } },
    });
    await engine.push({ project: 'never', jobs: { a: { kind: 'noop' } } });
    const good = await engine.startWorkers();
    const begun = await engine.start('goes-on');
    await when(begun.id, ({ jobRuns }) => jobRuns[0]?.state === 'RUNNING', 'the job runs');
    // It ends its job, and leaves what comes of that to the next deploy.
    await good.stop();
    const broken = await engine.startWorkers(await bundle('broken-workflows'));
    const never = await engine.start('never');
    const waits = await when(never.id, ({ error }) => error !== null, 'the error shows');
    expect(waits).toMatchObject({
      state: 'PENDING',
      reason: 'queued',
      error: { type: 'WORKFLOW_WORKER_UNHANDLED_FAILURE', message: 'this deploy is broken' },
      tasks: [],
    });
    const stuck = await when(begun.id, ({ reason }) => reason === 'stuck', 'it shows as stuck', 15_000);
    expect(stuck).toMatchObject({ state: 'RUNNING', error: waits.error });

    await broken.stop();
    workers = await engine.startWorkers();
    // The workflow tasks that the broken worker did not answer have to time out.
    const run = await when(never.id, ({ state }) => state === 'SUCCESS', 'it succeeds', 30_000);
    expect(run.error).toBeNull();
    expect(await statesOf(never.id)).toEqual(['PENDING', 'PENDING by the watch', 'RUNNING', 'SUCCESS']);
    expect(correctionsOf(never.handle)).toEqual(['stuck']);
    expect(await engine.verify(never.id)).toMatchObject({ verdict: 'equal' });
    const goesOn = await when(
      begun.id,
      ({ reason, jobRuns }) => reason === null && jobRuns[1]?.state === 'RUNNING',
      'the other goes on',
      30_000,
    );
    expect(goesOn).toMatchObject({ state: 'RUNNING', error: null });
    expect(correctionsOf(begun.handle)).toEqual(['stuck', 'recovered']);
    expect((await statesOf(begun.id)).slice(2)).toEqual([
      'RUNNING/stuck by the watch',
      'RUNNING by the watch',
    ]);
    expect(await engine.verify(begun.id)).toMatchObject({ verdict: 'equal' });
    await begun.handle.terminate();
    await engine.ended(begun.id);
  });

  it('do other things than those before shows as RUNNING/stuck, until the next deploy', async () => {
    await engine.push({
      project: 'changed',
      jobs: { a: { kind: 'noop', config: { ms: 2_000 } }, b: { kind: 'noop', dependsOn: ['a'] } },
    });
    const { id, handle } = await engine.start('changed');
    await when(id, ({ jobRuns }) => jobRuns[0]?.state === 'RUNNING', 'the job runs');
    await workers?.stop();
    const changed = await engine.startWorkers(await bundle('changed-workflows'));
    const stuck = await when(id, ({ reason }) => reason === 'stuck', 'it shows as stuck', 15_000);
    expect(stuck.error).toMatchObject({
      type: 'NON_DETERMINISTIC_ERROR',
      message: expect.stringContaining('Nondeterminism'),
    });
    await changed.stop();
    await engine.startWorkers();
    const run = await when(id, ({ state }) => state === 'SUCCESS', 'it succeeds', 30_000);
    expect(run.error).toBeNull();
    expect((await statesOf(id)).slice(1, 3)).toEqual(['RUNNING', 'RUNNING/stuck by the watch']);
    expect(correctionsOf(handle)[0]).toBe('stuck');
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });
});
