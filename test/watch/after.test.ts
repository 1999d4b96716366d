// Graphs that start after another project's runs have succeeded.
import { describe, expect, it } from 'vitest';
import { expectProved } from '../support/expect-proved.ts';
import { useResumes } from '../support/resumes.ts';
import { until } from '../support/until.ts';

const { engine, failIn, resume } = await useResumes();
const { store } = engine;
const noop = { kind: 'noop' };

const runsOf = async (project: string) => (await store.graphRuns.list({ project }, { limit: 50 })).items;

/** The runs of a project, once there are so many and all have ended. */
async function endedRuns(project: string, count: number) {
  return until(async () => {
    const runs = await runsOf(project);
    return runs.length === count && runs.every(({ completedAt }) => completedAt !== null) ? runs : undefined;
  }, `${count} runs of ${project} have ended`);
}

describe('a graph that starts after another', () => {
  it('runs once for each success, and so does what starts after it', async () => {
    await engine.push({ project: 'first', jobs: { a: noop } });
    await engine.run('first');
    await engine.push({
      project: 'second',
      after: 'first',
      params: { day: { type: 'string', default: 'today' } },
      jobs: { b: noop },
    });
    await engine.push({ project: 'third', after: 'second', jobs: { c: noop } });
    await engine.push({ project: 'beside', after: 'first', jobs: { d: noop } });

    const before = [await engine.run('first'), await engine.run('first')];
    const third = await endedRuns('third', 2);
    const second = await endedRuns('second', 2);
    const beside = await endedRuns('beside', 2);
    for (const runs of [second, beside]) {
      expect(runs.map(({ afterRunId }) => afterRunId).sort()).toEqual(before.map(({ id }) => id).sort());
    }
    expect(third.map(({ afterRunId }) => afterRunId).sort()).toEqual(second.map(({ id }) => id).sort());
    for (const run of [...second, ...third]) expect(run).toMatchObject({ state: 'SUCCESS', origin: 'after' });
    expect(second[0]).toMatchObject({ params: { day: 'today' }, createdBy: 'after first' });
    await expectProved(engine, second[0]?.id ?? '');
  });

  it('does not run after a failure, but once a resume has mended it', async () => {
    await engine.push({
      project: 'shaky',
      jobs: { a: { kind: 'breakable', retry: { maximumAttempts: 1 } } },
    });
    await engine.push({ project: 'waits', after: 'shaky', jobs: { b: noop } });
    const id = await failIn('shaky', 'a');
    expect(await resume(id)).toMatchObject({ state: 'SUCCESS' });
    // Made in the order of the feed: were there one for the failure, it would be there as well.
    expect(await endedRuns('waits', 1)).toMatchObject([{ afterRunId: id, state: 'SUCCESS' }]);
  });

  it('follows from the push on that says so, and no more after one that does not', async () => {
    await engine.push({ project: 'lead', jobs: { a: noop } });
    await engine.push({ project: 'tail', jobs: { b: noop } });
    await engine.run('lead');
    await engine.push({ project: 'tail', after: 'lead', jobs: { b: noop } });
    const followed = await engine.run('lead');
    expect((await endedRuns('tail', 1))[0]).toMatchObject({ afterRunId: followed.id });
    await engine.push({ project: 'tail', jobs: { b: noop } });
    await engine.push({ project: 'other', after: 'lead', jobs: { c: noop } });
    await engine.run('lead');
    await endedRuns('other', 1);
    expect(await runsOf('tail')).toHaveLength(1);
  });

  it('whose parameters cannot be used is told so, and holds up no other', async () => {
    await engine.push({ project: 'source', jobs: { a: noop } });
    const large = { type: 'string', default: 'x'.repeat(15_000) };
    const params = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`p${index}`, large]));
    await engine.push({ project: 'heavy', after: 'source', params, jobs: { b: noop } });
    await engine.push({ project: 'light', after: 'source', jobs: { c: noop } });
    await engine.run('source');
    await endedRuns('light', 1);
    expect(await runsOf('heavy')).toEqual([]);
    const { items } = await store.events.list({ after: 0, limit: 50, project: 'heavy' });
    expect(items.at(-1)).toMatchObject({ type: 'graph', reason: 'not_started', actor: 'after source' });
  });
});
