import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../client/index.ts';
import flights from '../../examples/flights/graph.ts';
import { isFinal } from '../../graph/states.ts';
import { flightsData } from '../support/flights.ts';
import { useStack } from '../support/stack.ts';
import { until } from '../support/until.ts';

const { info } = await useStack();
const client = createClient({ url: info.apiUrl, apiKey: info.apiKey });
await client.projects.create({ name: 'flights' });
await client.graphs.push('flights', flights);
for (const name of ['airports.csv', 'flights-airport.csv']) {
  await client.files.upload('flights', name, createReadStream(new URL(name, flightsData)));
}

async function temporal(...args: string[]): Promise<Record<string, unknown>> {
  const common = ['--address', info.temporalAddress, '--task-queue', 'graphrun', '--output', 'json'];
  const { stdout } = await promisify(execFile)(info.temporalCli ?? 'temporal', [
    'workflow',
    'start',
    ...args,
    ...common,
  ]);
  return JSON.parse(stdout);
}

describe('a stack that is up', () => {
  it('shows a graphRun that the Temporal CLI has started, with its five job runs', async () => {
    const { workflowId } = await temporal('--type', 'graphRun', '--input', '{"project":"flights"}');
    const run = await until(async () => {
      const { items } = await client.graphRuns.list({ project: 'flights' });
      const found = items.find((item) => item.workflowId === workflowId);
      return found && isFinal(found.state) ? client.graphRuns.get(found.id) : undefined;
    }, 'the run shows and ends');
    expect(run).toMatchObject({ state: 'SUCCESS', origin: 'temporal' });
    expect(run.jobRuns.map(({ job, state }) => [job, state]).sort()).toEqual([
      ['airports', 'SUCCESS'],
      ['busiest', 'SUCCESS'],
      ['distances', 'SUCCESS'],
      ['routes', 'SUCCESS'],
      ['summary', 'SUCCESS'],
    ]);
  });

  it('shows a jobRun that the Temporal CLI has started', async () => {
    const { workflowId } = await temporal(
      '--type',
      'jobRun',
      '--input',
      '{"project":"flights","job":"airports"}',
    );
    const run = await until(async () => {
      const { items } = await client.jobs.runs('flights', 'airports');
      const details = await Promise.all(
        items.filter((item) => item.graphRunId === null).map(({ id }) => client.jobRuns.get(id)),
      );
      return details.find(
        ({ state, tasks }) => isFinal(state) && tasks.some((task) => task.workflowId === workflowId),
      );
    }, 'the job run shows and ends');
    expect(run).toMatchObject({ state: 'SUCCESS', graphRunId: null, job: 'airports' });
  });
});
