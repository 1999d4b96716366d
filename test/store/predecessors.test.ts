import { describe, expect, it } from 'vitest';
import { useEngine } from '../support/engine.ts';
import { createTestKinds } from '../support/kinds.ts';

const engine = await useEngine(createTestKinds().kinds, undefined, { isIdle: true });
const { store } = engine;
const jobs = { a: { kind: 'noop' } };

describe('a graph that is to start after another project', () => {
  it('is refused while there is no such project', async () => {
    await expect(engine.push({ project: 'p', after: 'nobody', jobs })).rejects.toMatchObject({
      code: 'GRAPH_INVALID',
      problems: [
        { code: 'PROJECT_UNKNOWN', path: '/after', message: 'there is no project "nobody"; make it first' },
      ],
    });
  });

  it('is refused where they would start each other without end, also by a dry run', async () => {
    await engine.push({ project: 'x', jobs });
    await engine.push({ project: 'y', after: 'x', jobs });
    await engine.push({ project: 'z', after: 'y', jobs });
    const message = 'projects would start each other without end: x -> y -> z -> x';
    await expect(engine.push({ project: 'x', after: 'z', jobs })).rejects.toMatchObject({
      code: 'GRAPH_INVALID',
      problems: [{ code: 'GRAPH_CYCLE', path: '/after', message }],
    });
    expect((await store.graphs.current('x')).version).toBe(1);
  });

  it('closes no circle by two pushes at once', async () => {
    await engine.push({ project: 'one', jobs });
    await engine.push({ project: 'two', jobs });
    const pushes = await Promise.allSettled([
      engine.push({ project: 'one', after: 'two', jobs }),
      engine.push({ project: 'two', after: 'one', jobs }),
    ]);
    expect(pushes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
