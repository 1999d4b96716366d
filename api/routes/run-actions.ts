import { noteSchema } from '../../graph/requests.ts';
import { graphRunSchema, jobRunDetailSchema } from '../../graph/resources.ts';
import type { CancelledGraphRun, CancelledJobRun } from '../../store/cancel-runs.ts';
import { tellJobCancel } from '../../watch/carry-out-requests.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, runPath } from '../request-schemas.ts';
import { tellNow } from '../start-now.ts';

const tags = ['runs'];
const kept =
  'Answers once the request is kept: jobs in flight are told to stop, nothing more is started, and the run ends as ' +
  'FAILED/cancelled. While Temporal is away it is told later. Asked again, the first request counts.';

/** What is done to runs: /graph-runs/:id/cancel, /job-runs/:id/cancel */
export function runActionRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/graph-runs/:id/cancel',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Cancels a graph run',
        description: kept,
        params: runPath,
        querystring: noQuery,
        body: noteSchema.nullable(),
        response: { 202: graphRunSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const cancelled = await createOnce<CancelledGraphRun>(request, reply, {
        status: 202,
        create: (once) => store.cancels.graphRun({ id: params.id, note: body?.note ?? null, actor }, once),
        location: ({ id }) => `/v1/graph-runs/${id}`,
      });
      // One that waited for another run has no workflow, and has ended.
      if (cancelled.completedAt === null) await tellNow(log, () => temporal.requestCancel(cancelled));
      return cancelled;
    },
  );

  app.post(
    '/job-runs/:id/cancel',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Cancels a job, run alone or in a graph run',
        description: `${kept} In a graph run it ends by itself, also before it began; the rest goes on by its rules.`,
        params: runPath,
        querystring: noQuery,
        body: noteSchema.nullable(),
        response: { 202: jobRunDetailSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const cancelled = await createOnce<CancelledJobRun>(request, reply, {
        status: 202,
        create: (once) => store.cancels.jobRun({ id: params.id, note: body?.note ?? null, actor }, once),
        location: ({ id }) => `/v1/job-runs/${id}`,
      });
      const { toSend, toTell } = cancelled;
      if (toSend) await tellNow(log, () => temporal.requestCancel(toSend));
      if (toTell) await tellNow(log, () => tellJobCancel({ store, starter: temporal }, toTell));
      return cancelled;
    },
  );
}
