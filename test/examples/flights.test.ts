import { createReadStream } from 'node:fs';
import { describe, expect, it } from 'vitest';
import flights from '../../examples/flights/graph.ts';
import { useEngine } from '../support/engine.ts';
import { countFlights, flightsData, readRows } from '../support/flights.ts';

const engine = await useEngine();

describe('the example flights', () => {
  it('loads real data and finds what a count over the CSV files finds', async () => {
    await engine.push(flights);
    for (const name of ['airports.csv', 'flights-airport.csv']) {
      const content = createReadStream(new URL(name, flightsData));
      await engine.store.files.upload({ project: 'flights', name, content, actor: 'test' });
    }
    const run = await engine.run('flights');
    expect(run.jobRuns.map(({ job, state, error }) => [job, state, error])).toEqual(
      run.jobRuns.map(({ job }) => [job, 'SUCCESS', null]),
    );
    expect(run.jobRuns).toHaveLength(5);

    const { columns, rows } = await engine.warehouse.previewDataset('flights', 'busiest', 5_000);
    const at = (name: string) => columns.findIndex((column) => column.name === name);
    const counted = countFlights();
    expect(rows).toHaveLength(counted.size);
    const found = new Map(rows.map((row) => [String(row[at('iata')]), Number(row[at('flights')])]));
    expect(found).toEqual(counted);
    const [busiest] = counted.keys();
    expect(rows[0]?.[at('iata')]).toBe(busiest);
    const airport = readRows('airports.csv').find(({ iata }) => iata === busiest);
    expect(rows[0]?.[at('name')]).toBe(airport?.name);
  });

  it('shows how many rows each job made', async () => {
    const [run] = (await engine.store.graphRuns.list({ project: 'flights' }, { limit: 1 })).items;
    const { jobRuns } = await engine.store.graphRuns.get(run?.id ?? '');
    const airports = jobRuns.find(({ job }) => job === 'airports');
    const detail = await engine.store.jobRuns.get(airports?.id ?? '');
    expect(detail.output).toMatchObject({ rows: readRows('airports.csv').length });
  });
});

describe('a run whose data or SQL is broken', () => {
  it('tells line and column, fails what is below, runs the rest, and leaves the old tables', async () => {
    const project = 'broken';
    const graph = (sql: string) => ({
      project,
      jobs: {
        bad_csv: { kind: 'upload', config: { file: 'bad.csv' } },
        good_csv: { kind: 'upload', config: { file: 'good.csv' } },
        below: { kind: 'transform', config: { sql: "select * from {{ ref('bad_csv') }}" } },
        bad_sql: { kind: 'transform', config: { sql } },
        branch: { kind: 'transform', config: { sql: "select count(*) from {{ ref('good_csv') }}" } },
      },
    });
    const upload = (name: string, text: string) =>
      engine.store.files.upload({
        project,
        name,
        content: (async function* () {
          yield Buffer.from(text);
        })(),
        actor: 'test',
      });
    await engine.push(graph("select a from {{ ref('good_csv') }}"));
    await upload('bad.csv', 'a,b\n1,2\n');
    await upload('good.csv', 'a,b\n1,2\n');
    expect((await engine.run(project)).state).toBe('SUCCESS');
    const before = await engine.warehouse.previewDataset(project, 'bad_csv', 10);

    await upload('bad.csv', 'a,b\n1,2\n3,"4\n');
    await engine.push(graph("select a,\n  nope\nfrom {{ ref('good_csv') }}"));
    const { id, handle } = await engine.start(project);
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'job_failed' } });
    const run = await engine.store.graphRuns.get(id);
    expect(run).toMatchObject({ state: 'FAILED', reason: 'job_failed', version: 2 });
    const byKey = Object.fromEntries(run.jobRuns.map((job) => [job.job, job]));
    expect(byKey.bad_csv).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      attempts: 1,
      error: { code: 'CSV_INVALID' },
    });
    expect(byKey.bad_csv?.error?.message).toMatch(/line 3.*column/i);
    expect(byKey.bad_sql).toMatchObject({
      state: 'FAILED',
      reason: 'error',
      attempts: 1,
      error: { code: 'SQL_INVALID' },
    });
    expect(byKey.bad_sql?.error?.message).toMatch(/line 2, column 3/i);
    expect(byKey.below).toMatchObject({ state: 'FAILED', reason: 'upstream_failed', attempts: 0 });
    expect(byKey.branch).toMatchObject({ state: 'SUCCESS' });
    expect(await engine.warehouse.previewDataset(project, 'bad_csv', 10)).toEqual(before);
  });
});
