// A worker that is asked to stop: what ends within its grace is recorded as ever, the rest goes to another worker.
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createClient } from '../../client/index.ts';
import { isFinal } from '../../graph/states.ts';
import { createKinds } from '../../jobs/index.ts';
import { createStore } from '../../store/index.ts';
import { pushGraph } from '../support/push-graph.ts';
import { useStack } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { harmfulKinds } from './fixtures/harmful-kinds.ts';

const worker = join(import.meta.dirname, 'fixtures/worker.ts');
const api = join(import.meta.dirname, '../../api/server.ts');
const env = { ...process.env, DATABASE_URL: '', WAREHOUSE_URL: '', TEMPORAL_ADDRESS: '' };
const stack = await useStack({ scripts: { worker, api }, env: { ...env, WORKER_SHUTDOWN_GRACE: '3s' } });
const client = createClient({ url: stack.info.apiUrl, apiKey: stack.info.apiKey });
const store = createStore({ databaseUrl: stack.info.databaseUrl });
afterAll(() => store.close());

const pidOfWorker = () => stack.info.pids.worker ?? 0;

async function start(project: string, msOfJobs: Record<string, number>): Promise<string> {
  const jobs = Object.entries(msOfJobs).map(([key, ms]) => {
    return [key, { kind: 'wait', config: { ms }, retry: { maximumAttempts: 1 } }] as const;
  });
  await pushGraph(store, createKinds(harmfulKinds), { project, jobs: Object.fromEntries(jobs) });
  return (await client.graphRuns.start(project, {})).id;
}

async function untilRunning(id: string): Promise<void> {
  await until(async () => {
    const { jobRuns } = await client.graphRuns.get(id);
    return jobRuns.every(({ state }) => state === 'RUNNING') ? true : undefined;
  }, 'all jobs run');
}

async function ended(id: string) {
  const detail = await until(async () => {
    const run = await client.graphRuns.get(id);
    return isFinal(run.state) ? run : undefined;
  }, `run ${id} ends`);
  const jobs = detail.jobRuns.map(async (row) => {
    const [{ output }, attempts] = await Promise.all([
      client.jobRuns.get(row.id),
      client.jobRuns.attempts(row.id),
    ]);
    const told = attempts.map(({ state, reason, error }) => `${state}/${reason}/${error?.type}`);
    return [row.job, { output, attempts: told }] as const;
  });
  return { state: detail.state, jobs: Object.fromEntries(await Promise.all(jobs)) };
}

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

describe('a worker that is asked to stop', { timeout: 60_000 }, () => {
  it('takes no new job, lets those end that can, and leaves the rest to another at no cost', async () => {
    const id = await start('drains', { short: 2_000, long: 6_000 });
    await untilRunning(id);
    const before = pidOfWorker();
    // As npm does: it hands on a signal that the worker has had as well.
    process.kill(before, 'SIGINT');
    process.kill(before, 'SIGINT');
    const later = await start('comes-later', { late: 0 });
    const run = await ended(id);
    const after = pidOfWorker();
    expect(after).not.toBe(before);
    expect(run).toEqual({
      state: 'SUCCESS',
      jobs: {
        short: { output: { pid: before }, attempts: ['SUCCESS/null/undefined'] },
        long: {
          output: { pid: after },
          attempts: ['FAILED/lost/WORKER_STOPPED', 'SUCCESS/null/undefined'],
        },
      },
    });
    expect(await ended(later)).toMatchObject({ jobs: { late: { output: { pid: after } } } });
    expect(await client.graphRuns.verify(id)).toMatchObject({ verdict: 'equal', explained: [] });
  });

  it('twice ends at once', async () => {
    const id = await start('hurries', { long: 20_000 });
    await untilRunning(id);
    const pid = pidOfWorker();
    process.kill(pid, 'SIGTERM');
    const again = setInterval(() => isGone(pid) || process.kill(pid, 'SIGTERM'), 1_200);
    await until(() => isGone(pid) || undefined, 'the worker is gone', 2_500).finally(() =>
      clearInterval(again),
    );
  });
});
