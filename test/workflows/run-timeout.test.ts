import { describe, expect, it } from 'vitest';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';

const { kinds, stopped } = createTestKinds();
const engine = await useEngine(kinds);
const { store } = engine;

function endsOf(run: GraphRunDetail): Record<string, string> {
  return Object.fromEntries(
    run.jobRuns.map(({ job, state, reason }) => [job, reason ? `${state}/${reason}` : state]),
  );
}

describe('a run that takes longer than the timeout of its graph', () => {
  it('ends as timed out: what is in flight is cancelled and cleans up, the rest never starts', async () => {
    await engine.push({
      project: 'overdue',
      timeout: '2s',
      jobs: {
        quick: { kind: 'noop' },
        works: { kind: 'endless', dependsOn: ['quick'] },
        waits: {
          kind: 'flaky',
          config: { failures: 9 },
          retry: { initialInterval: '1h', maximumInterval: '1h' },
        },
        below: { kind: 'noop', dependsOn: ['works'] },
        report: { kind: 'noop', dependsOn: ['below'], runIf: 'all_done' },
      },
    });
    const { id, handle } = await engine.start('overdue');
    const message = 'the run took longer than its timeout of 2s';
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'timed_out', message } });
    const run = await store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out', error: { message } });
    expect(endsOf(run)).toEqual({
      quick: 'SUCCESS',
      works: 'FAILED/cancelled',
      waits: 'FAILED/cancelled',
      below: 'FAILED/cancelled',
      report: 'FAILED/cancelled',
    });
    expect(stopped).toEqual(['works']);
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('is told apart from one that ends in time, or is cancelled before', async () => {
    const push = (kind: string) =>
      engine.push({
        project: 'in-time',
        timeout: '1h',
        jobs: { a: { kind: 'noop' }, b: { kind, dependsOn: ['a'] } },
      });
    await push('noop');
    const inTime = await engine.start('in-time');
    await inTime.handle.result();
    const run = await store.graphRuns.get(inTime.id);
    expect(run).toMatchObject({ state: 'SUCCESS', reason: null });
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal', explained: [] });
    await push('endless');
    const { id, handle } = await engine.start('in-time');
    await handle.cancel();
    expect(await engine.ended(id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
    expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('keeps its time when it is the whole of many jobs that is late, and starts it anew by a resume', async () => {
    const chain = Array.from({ length: 60 }, (_, index) => [
      `j${index}`,
      { kind: 'noop', config: { ms: 100 }, ...(index > 0 && { dependsOn: [`j${index - 1}`] }) },
    ]);
    await engine.push({ project: 'chain', timeout: '1500ms', jobs: Object.fromEntries(chain) });
    const run = await engine.run('chain');
    expect(run).toMatchObject({ state: 'FAILED', reason: 'timed_out' });
    expect(run.jobCounts.SUCCESS).toBeGreaterThan(0);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
    const choice = { from: null, latest: false, plan: null, actor: 'test' };
    const { workflowId } = await store.resumes.resume(run.id, choice);
    const { taskQueue } = engine;
    const args = [{ project: 'chain', graphRunId: run.id }];
    await engine.client.workflow.start('graphRun', { taskQueue, workflowId, args });
    const resumed = await engine.ended(run.id);
    expect(resumed).toMatchObject({ state: 'FAILED', reason: 'timed_out', epoch: 2 });
    expect(resumed.jobCounts.SUCCESS).toBeGreaterThan(run.jobCounts.SUCCESS);
    expect(await engine.verify(run.id)).toMatchObject({ verdict: 'equal' });
  });
});
