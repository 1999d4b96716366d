import pg from 'pg';
import { limits } from '../../graph/limits.ts';
import { startApi } from '../api.ts';
import { type Benchmark, readCount } from '../benchmark.ts';
import { describeEnvironment } from '../environment.ts';
import { type ListTimes, measureList, renderLists } from '../list-times.ts';
import { startDatabase, withPlace } from '../servers.ts';
import { countSql } from '../sql-counts.ts';
import { jobRunsPerStep, stepsFor, storedProjects, storeRuns } from '../stored-runs.ts';

const project = storedProjects.large;
const page = { limit: limits.pageItemsMax };

export const jobStates: Benchmark = {
  name: 'job-states',
  title: 'lists of jobs and projects with their states, while many runs are stored',
  options: [
    { name: 'job-runs', placeholder: 'N', meaning: 'job runs to store, at least', byDefault: '1000000' },
    { name: 'times', placeholder: 'N', meaning: 'times to ask for each list', byDefault: '50' },
  ],
  run: async (option, note) => {
    const steps = stepsFor(readCount(option, 'job-runs', 100_000_000));
    const times = readCount(option, 'times');
    return withPlace(async (place) => {
      const { databaseUrl, warehouseUrl } = await startDatabase(place);
      const sqlCounts = countSql();
      const api = await startApi({ databaseUrl, warehouseUrl, temporalAddress: '127.0.0.1:1' });
      const sql = new pg.Client({ connectionString: databaseUrl });
      await sql.connect();
      try {
        await storeRuns({ api: api.client, sql }, steps, note);
        const shown = await sql.query<{ server_version: string }>('SHOW server_version');
        const versions = { postgres: shown.rows[0]?.server_version ?? '' };
        const environment = describeEnvironment(versions, describeSettings(steps, times));
        const asked = { times, statements: () => sqlCounts().statements };
        const lists: ListTimes[] = [];
        for (const [list, ask] of [
          ['jobs of a project of 1,000, the query', () => api.store.jobs.list(project)],
          ['jobs of a project of 1,000, GET', () => api.client.jobs.list(project)],
          ['projects, the query', () => api.store.projects.list(page)],
          ['projects, GET', () => api.client.projects.list(page)],
        ] as const) {
          lists.push(await measureList(list, { ...asked, ask }));
        }
        return { text: renderLists(environment, lists), data: { environment, lists } };
      } finally {
        await Promise.all([api.close(), sql.end()]);
      }
    });
  },
};

function describeSettings(steps: number, times: number): string {
  const { small, smallJobs } = storedProjects;
  const stored = (steps * jobRunsPerStep).toLocaleString('en');
  return `${stored} job runs with an attempt each, in ${(steps * (small + 1)).toLocaleString('en')} graph runs: one project of 1,000 jobs and ${small} of ${smallJobs.length}, with ${steps} runs each; ${times} times one after the other; Postgres with its default memory settings`;
}
