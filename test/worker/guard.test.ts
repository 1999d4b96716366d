// A worker that a job takes down: a new one does the work of all others, and the record names the job.
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createClient } from '../../client/index.ts';
import type { GraphRunDetail } from '../../graph/resources.ts';
import { isFinal } from '../../graph/states.ts';
import { createKinds } from '../../jobs/index.ts';
import { createStore } from '../../store/index.ts';
import { pushGraph } from '../support/push-graph.ts';
import { useStack } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { harmfulKinds } from './fixtures/harmful-kinds.ts';

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);
const api = join(import.meta.dirname, '../../api/server.ts');
const stack = await useStack({ scripts: { worker: fixture('worker.ts'), api } });
const { info } = stack;
const client = createClient({ url: info.apiUrl, apiKey: info.apiKey });
const store = createStore({ databaseUrl: info.databaseUrl });
afterAll(() => store.close());
const kinds = createKinds(harmfulKinds);

async function run(project: string, jobs: Parameters<typeof pushGraph>[2]['jobs']): Promise<GraphRunDetail> {
  await pushGraph(store, kinds, { project, jobs });
  const { id } = await client.graphRuns.start(project, {});
  const ended = async () => {
    const detail = await client.graphRuns.get(id);
    return isFinal(detail.state) ? detail : undefined;
  };
  return until(ended, `run of ${project} ends`, 60_000);
}

async function jobOf(detail: GraphRunDetail, key: string) {
  const { id } = detail.jobRuns.find(({ job }) => job === key) ?? { id: '' };
  return { row: await client.jobRuns.get(id), attempts: await client.jobRuns.attempts(id) };
}

describe('a worker', { timeout: 90_000 }, () => {
  it('whose event loop a job blocks is ended, and another does the other jobs', async () => {
    const { worker } = stack.info.pids;
    const ended = await run('blocks', {
      spins: { kind: 'harm', config: { deeds: ['spin'] }, retry: { maximumAttempts: 1 } },
      waits: { kind: 'wait', config: { ms: 4_000 } },
    });
    expect(stack.info.pids.worker).not.toBe(worker);
    const spins = await jobOf(ended, 'spins');
    expect(spins.row).toMatchObject({ state: 'FAILED', reason: 'lost', error: { type: 'WorkerBlocked' } });
    expect(spins.row.error?.stack).toContain('at spin (file:///');
    expect(spins.attempts).toMatchObject([{ reason: 'lost', error: { type: 'WorkerBlocked' } }]);
    const waits = await jobOf(ended, 'waits');
    expect(waits.row.state).toBe('SUCCESS');
    expect(waits.attempts).toMatchObject([
      { state: 'FAILED', reason: 'lost', error: { type: 'WorkerLost' } },
      { state: 'SUCCESS' },
    ]);
    const verified = await client.graphRuns.verify(ended.id);
    expect(verified).toMatchObject({ verdict: 'equal' });
  });

  it('that a job ends, by process.exit or by an error that it leaves uncaught, is followed by another', async () => {
    const ended = await run('exits', {
      exits: {
        kind: 'harm',
        config: { deeds: ['exit', 'stray'] },
        retry: { maximumAttempts: 2, initialInterval: '10ms' },
      },
    });
    const { row, attempts } = await jobOf(ended, 'exits');
    expect(attempts).toMatchObject([
      {
        reason: 'lost',
        error: { type: 'WorkerExited', message: expect.stringContaining('process.exit(0)') },
      },
      {
        reason: 'lost',
        error: { type: 'WorkerExited', message: expect.stringContaining('RangeError: nobody') },
      },
    ]);
    expect(row).toMatchObject({ state: 'FAILED', reason: 'lost', error: attempts[1]?.error });
    expect(await client.graphRuns.verify(ended.id)).toMatchObject({ verdict: 'equal' });
  });
});
