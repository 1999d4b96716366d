import { z } from 'zod';
import { jobRunDetailSchema, jobRunSchema, jobSchema, pageSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { jobPath, noQuery, pageQuery, projectPath } from '../request-schemas.ts';
import { startNow } from '../start-now.ts';

const tags = ['jobs'];

/** /projects/:project/jobs */
export function jobRoutes(app: Api, dependencies: Dependencies): void {
  readRoutes(app, dependencies);
  runRoutes(app, dependencies);
}

function readRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/projects/:project/jobs',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the jobs of the current graph in topological order',
        params: projectPath,
        querystring: noQuery,
        response: { 200: pageSchema(jobSchema).describe('All jobs: one page.') },
      },
    },
    async ({ params }) => ({ items: await store.jobs.list(params.project), nextCursor: null }),
  );

  app.get(
    '/projects/:project/jobs/:job',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a job, with the state of its latest run',
        params: jobPath,
        querystring: noQuery,
        response: { 200: jobSchema },
      },
    },
    ({ params }) => store.jobs.get(params.project, params.job),
  );
}

function runRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.get(
    '/projects/:project/jobs/:job/runs',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the runs of a job, newest first',
        params: jobPath,
        querystring: pageQuery,
        response: { 200: pageSchema(jobRunSchema) },
      },
    },
    ({ params, query }) => store.jobRuns.listOfJob(params.project, params.job, query),
  );

  app.post(
    '/projects/:project/jobs/:job/runs',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Runs one job alone',
        description:
          'Answers once the run is stored. While Temporal is away it stays PENDING and is started later.',
        params: jobPath,
        querystring: noQuery,
        body: z.strictObject({}).nullable(),
        response: { 201: jobRunDetailSchema },
      },
    },
    async ({ params: { project, job }, actor, log }, reply) => {
      const run = await store.jobRuns.create({ project, job, actor });
      await startNow(log, () => temporal.startJobRun(run));
      return reply
        .code(201)
        .header('location', `/v1/job-runs/${run.id}`)
        .send(await store.jobRuns.get(run.id));
    },
  );
}
