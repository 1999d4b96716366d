// The feed's counter is one row for all: whoever has written an event holds up all others until his commit.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, expect, it, vi } from 'vitest';
import { createStore } from '../../store/index.ts';
import { useDatabases } from '../support/databases.ts';
import { pushNoops } from '../support/graphs.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
await pushNoops(store, 'p', { a: [], b: ['a'] });

/** What is sent to Postgres, in order, while something is done. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return query.mock.calls.map(([text]) =>
      String(typeof text === 'object' ? Reflect.get(text, 'text') : text),
    );
  } finally {
    query.mockRestore();
  }
}

function execution() {
  const runId = randomUUID();
  const identity = { workflowId: randomUUID(), runId, firstExecutionRunId: runId };
  return { identity, known: null, project: 'p', params: {}, actor: 'test' };
}

const opens = {
  'a graph run that Temporal has started': () =>
    store.execution.openGraphRun({ ...execution(), select: null }),
  'a job run that Temporal has started': () => store.execution.openJobRun({ ...execution(), job: 'a' }),
};

it.each(Object.entries(opens))('%s is told of right before the commit, and once', async (_what, open) => {
  await open();
  const statements = await statementsOf(open);
  const tells = statements.flatMap((text, at) => (text.includes('UPDATE event_counter') ? [at] : []));
  expect(statements.at(-1)).toBe('COMMIT');
  expect(tells).toEqual([statements.length - 2]);
});
