// Schedules that are not in Temporal any more: deleted by somebody, or lost with Temporal's data.
import { afterAll, expect, it } from 'vitest';
import { createKinds } from '../../jobs/index.ts';
import { createStore } from '../../store/index.ts';
import { beginScheduleTenure, mirrorSchedules } from '../../watch/schedules/mirror-schedules.ts';
import type { ListedSchedule } from '../../watch/schedules/schedule-view.ts';
import { useDatabases } from '../support/databases.ts';
import { pushGraph } from '../support/push-graph.ts';
import { useSql } from '../support/sql.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
afterAll(() => store.close());
const sql = await useSql(databaseUrl);

const names = ['a', 'b', 'c', 'd', 'e'];
await pushGraph(store, createKinds(), {
  project: 'p',
  jobs: { a: { kind: 'upload', config: { file: 'a.csv' } } },
});
for (const name of names) {
  const written = { cron: '@daily' };
  await store.schedules.create({ project: 'p', name, written, paused: false, note: null, actor: 'test' });
}
await sql.query('UPDATE schedule SET pushed_revision = revision');

/** One look, at a Temporal that has these and nothing else. */
async function lookAt(there: readonly string[]): Promise<string[]> {
  const errors: string[] = [];
  const listed: ListedSchedule[] = there.map((name) => {
    return {
      temporalId: `p/${name}`,
      workflowType: 'graphRun',
      paused: false,
      note: '',
      times: '',
      isOver: false,
    };
  });
  const schedules = {
    async *list() {
      yield listed;
    },
    describe: async () => null,
  };
  await mirrorSchedules(
    {
      ...{ store, temporal: { schedules }, taskQueue: 'q', signal: new AbortController().signal },
      onError: (error) => errors.push(String(error)),
    },
    beginScheduleTenure(),
  );
  return errors;
}

const kept = async () =>
  (await sql.query<{ name: string }>('SELECT name FROM schedule WHERE deleted_at IS NULL ORDER BY name')).map(
    ({ name }) => name,
  );

it('do not count as deleted when most of them are gone at once, and that is told', async () => {
  expect(await lookAt([])).toEqual([expect.stringContaining('as if it had lost its data')]);
  expect(await kept()).toEqual(names);
});

it('count as deleted when few of them are gone', async () => {
  expect(await lookAt(['c', 'd', 'e'])).toEqual([]);
  expect((await kept()).length).toBeLessThan(names.length);
});
