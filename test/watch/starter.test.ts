import { randomUUID } from 'node:crypto';
import { Connection, WorkflowClient } from '@temporalio/client';
import { afterAll, expect, test } from 'vitest';
import { createStarter } from '../../watch/starter.ts';
import { graphRunWorkflowId, jobRunWorkflowId, projectSearchAttribute } from '../../workflows/contract.ts';
import { useDatabases } from '../support/databases.ts';

const { temporalAddress } = await useDatabases();
const taskQueue = `starter-${randomUUID()}`;
const starter = createStarter({ temporal: { address: temporalAddress, namespace: 'default' }, taskQueue });
const connection = await Connection.connect({ address: temporalAddress });
const client = new WorkflowClient({ connection });
afterAll(async () => {
  await starter.close();
  await connection.close();
});

async function startOf(workflowId: string) {
  const handle = client.getHandle(workflowId);
  const { runId, taskQueue: queue, type, searchAttributes } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  const payload = started?.input?.payloads?.[0]?.data;
  await handle.terminate();
  return { runId, queue, type, searchAttributes, input: JSON.parse(Buffer.from(payload ?? '').toString()) };
}

test('a graph run is started once, however often it is asked for', async () => {
  const id = randomUUID();
  const run = { id, workflowId: graphRunWorkflowId(id, 1), project: 'flights' };
  await Promise.all([starter.startGraphRun(run), starter.startGraphRun(run)]);
  await starter.startGraphRun(run);
  const started = await startOf(run.workflowId);
  expect(started).toMatchObject({
    type: 'graphRun',
    queue: taskQueue,
    input: { project: 'flights', graphRunId: id },
  });
  // It was terminated by now: still the id is taken.
  await starter.startGraphRun(run);
  expect((await client.getHandle(run.workflowId).describe()).runId).toBe(started.runId);
});

test('a lone job run likewise', async () => {
  const id = randomUUID();
  const run = { id, workflowId: jobRunWorkflowId(id, 1), project: 'flights', job: 'airports' };
  await starter.startJobRun(run);
  expect(await startOf(run.workflowId)).toMatchObject({
    type: 'jobRun',
    input: { project: 'flights', job: 'airports', jobRunId: id },
  });
});

test('the project can be searched for where the namespace has the attribute, and is left out elsewhere', async () => {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  const id = randomUUID();
  const run = { id, workflowId: graphRunWorkflowId(id, 1), project: 'flights' };
  await starter.startGraphRun(run);
  const { searchAttributes } = await startOf(run.workflowId);
  const expected = projectSearchAttribute in customAttributes ? ['flights'] : undefined;
  expect(searchAttributes[projectSearchAttribute]).toEqual(expected);
});

test('a Temporal server that is away is told as such, in time', async () => {
  const away = createStarter({ temporal: { address: '127.0.0.1:9', namespace: 'default' }, timeoutMs: 300 });
  const run = { id: 'x', workflowId: 'graph-run/x/1', project: 'flights' };
  await expect(away.startGraphRun(run)).rejects.toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
  await away.close();
});

test('it answers for a namespace that is there only', async () => {
  await starter.ping();
  const other = createStarter({ temporal: { address: temporalAddress, namespace: 'no-such-namespace' } });
  await expect(other.ping()).rejects.toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' });
  await other.close();
});

test.each([
  [{ cert: 'missing.pem', key: 'missing.pem' }, 'TEMPORAL_TLS_CERT names a file that cannot be read'],
  [{ cert: 'package.json' }, 'TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY belong together'],
])('the TLS settings %j are refused at once', (tls, message) => {
  expect(() => createStarter({ temporal: { address: temporalAddress, namespace: 'default', tls } })).toThrow(
    message,
  );
});
