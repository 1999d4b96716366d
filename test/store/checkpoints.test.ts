import { afterAll, describe, expect, it } from 'vitest';
import type { Fence } from '../../graph/transitions.ts';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';
import { useRuns } from './runs.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const { recorder, checkpoints } = store;
const openRun = useRuns(store);
await pushNoops(store, 'p', { a: [] });

const later = (fence: Fence): Fence => ({ ...fence, scheduledAtMs: fence.scheduledAtMs + 1_000 });
const save = (jobRunId: string, fence: Fence, text: string, epoch = 1) =>
  checkpoints.save({ jobRunId, epoch, fence, text });
const writeOf = (jobRunId: string, fence: Fence) => {
  const subject = { jobRunId, project: 'p', job: 'a', graphRunId: null };
  return { subject, fence, worker: 'w', at: new Date() };
};
const start = (jobRunId: string, fence: Fence) =>
  recorder.start({ ...writeOf(jobRunId, fence), isFirst: true, needsToken: false, isAwaited: true });

describe('checkpoints', () => {
  it('are there for the epoch, the last in place of those before, also before the start is written', async () => {
    const run = await openRun();
    const id = run.job('a');
    expect(await checkpoints.load(id, 1)).toBeNull();
    expect(await save(id, run.fence, '1')).toBe(true);
    await start(id, run.fence);
    expect(await save(id, run.fence, '"\\u0000"')).toBe(true);
    expect(await checkpoints.load(id, 1)).toBe('"\\u0000"');
    expect(await checkpoints.load(id, 2)).toBeNull();
  });

  it('are not written by an attempt that a newer one has followed', async () => {
    const run = await openRun();
    const id = run.job('a');
    await start(id, run.fence);
    await save(id, run.fence, '1');
    await start(id, later(run.fence));
    expect(await save(id, run.fence, '2')).toBe(false);
    expect(await checkpoints.load(id, 1)).toBe('1');
    expect(await save(id, later(run.fence), '3')).toBe(true);
    expect(await checkpoints.load(id, 1)).toBe('3');
  });

  it('are not written by a stranger, of another epoch, or once the job has ended', async () => {
    const run = await openRun();
    const id = run.job('a');
    await start(id, run.fence);
    expect(await save(id, { ...run.fence, runId: 'stranger' }, '1')).toBe(false);
    expect(await save(id, run.fence, '1', 2)).toBe(false);
    await recorder.end({ ...writeOf(id, run.fence), end: { kind: 'success', output: null } });
    expect(await save(id, run.fence, '1')).toBe(false);
    expect(await checkpoints.load(id, 1)).toBeNull();
  });
});
