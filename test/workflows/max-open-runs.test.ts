import { describe, expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';
import { until } from '../support/until.ts';
import { useWatch } from '../support/watch.ts';

const { kinds, begun } = createTestKinds();
const engine = await useEngine(kinds);
useWatch(engine);
const { store, client } = engine;

const endless = { kind: 'endless' };
const create = (project: string) =>
  store.graphRuns.create({ project, params: {}, select: null, actor: 'test' });
const isRunning = (id: string) =>
  until(async () => {
    const run = await store.graphRuns.get(id);
    return run.jobCounts.RUNNING > 0 ? run : undefined;
  }, `a job of ${id} runs`);

describe('a project with one run at once', () => {
  it('runs many that come at once one after the other, as they came', async () => {
    await engine.push({ project: 'one', maxOpenRuns: 1, jobs: { a: { kind: 'noop', config: { ms: 20 } } } });
    const runs = await Promise.all(Array.from({ length: 5 }, () => create('one')));
    const ended = await Promise.all(runs.map(({ id }) => engine.ended(id)));
    const spans = ended
      .map(({ state, startedAt, completedAt }) => ({ state, from: startedAt ?? '', to: completedAt ?? '' }))
      .sort((a, b) => (a.from < b.from ? -1 : 1));
    expect(spans.map(({ state }) => state)).toEqual(runs.map(() => 'SUCCESS'));
    spans.slice(1).forEach(({ from }, index) => {
      expect(from >= (spans[index]?.to ?? '')).toBe(true);
    });
    for (const { id } of runs) expect(await engine.verify(id)).toMatchObject({ verdict: 'equal' });
  });

  it('tells of one that waits which run has its place', async () => {
    await engine.push({ project: 'told', maxOpenRuns: 1, jobs: { works: endless } });
    const first = await engine.start('told');
    await isRunning(first.id);
    const [second, third] = [await create('told'), await create('told')];
    expect([second.reason, third.reason]).toEqual(['slot', 'slot']);
    const { run } = await engine.inspector.explainGraphRun(third.id);
    expect(run).toMatchObject({ state: 'PENDING', reason: 'slot' });
    expect(run.message).toContain(`maxOpenRuns is 1; open: ${first.id}.`);
    expect(run.message).toContain('1 that came before wait');
    expect((await engine.inspector.explainGraphRun(second.id)).run.message).toContain('It is the next one');
    const missing = client.workflow.getHandle(second.workflowId).describe();
    await expect(missing).rejects.toMatchObject({ name: 'WorkflowNotFoundError' });
    // However the first ends, the next begins: here by Temporal's own terminate, then by a cancel.
    await first.handle.terminate('by hand');
    expect(await engine.ended(first.id)).toMatchObject({ state: 'FAILED', reason: 'terminated' });
    await isRunning(second.id);
    expect((await store.graphRuns.get(third.id)).reason).toBe('slot');
    await client.workflow.getHandle(second.workflowId).cancel();
    expect(await engine.ended(second.id)).toMatchObject({ state: 'FAILED', reason: 'cancelled' });
    await isRunning(third.id);
    await client.workflow.getHandle(third.workflowId).cancel();
    await engine.ended(third.id);
  });

  it('ends a cancelled one that waits without a workflow, and says so to verify', async () => {
    await engine.push({ project: 'left', maxOpenRuns: 1, jobs: { works: endless } });
    const first = await engine.start('left');
    const second = await create('left');
    await store.cancels.graphRun({ id: second.id, note: null, actor: 'test' });
    expect(await store.graphRuns.get(second.id)).toMatchObject({
      state: 'FAILED',
      reason: 'cancelled',
      tasks: [],
    });
    expect(await engine.verify(second.id)).toMatchObject({
      verdict: 'unprovable',
      why: 'it was ended before it had an execution',
    });
    await first.handle.cancel();
    await engine.ended(first.id);
  });

  it('opens one whose workflow somebody starts by hand', async () => {
    await engine.push({ project: 'forced', maxOpenRuns: 1, jobs: { a: { kind: 'noop' }, works: endless } });
    const first = await engine.start('forced');
    begun.length = 0;
    const second = await engine.start('forced');
    await isRunning(second.id);
    for (const { handle } of [first, second]) await handle.cancel();
    for (const { id } of [first, second]) await engine.ended(id);
  });
});
