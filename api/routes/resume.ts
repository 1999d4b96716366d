import { planResumeSchema, resumeRunSchema } from '../../graph/requests.ts';
import { type GraphRunView, graphRunSchema, resumePlanSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, runPath } from '../request-schemas.ts';
import { startNow } from '../start-now.ts';

const tags = ['runs'];

/** /graph-runs/:id/plan and /resume */
export function resumeRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/graph-runs/:id/plan',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Tells which jobs a resume would run again, and why',
        description: 'Changes nothing. Its `hash` makes a resume do exactly this, or nothing.',
        params: runPath,
        querystring: noQuery,
        body: planResumeSchema.nullable(),
        response: { 200: resumePlanSchema },
      },
    },
    ({ params, body }) => {
      return store.resumes.plan(params.id, { from: body?.from ?? null, latest: body?.latest ?? false });
    },
  );

  app.post(
    '/graph-runs/:id/resume',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Goes on with a run that has ended',
        description:
          'The run is PENDING at its next epoch: jobs that failed or were not reached run again, or those of `from` with ' +
          'all downstream; the others are kept.',
        params: runPath,
        querystring: noQuery,
        body: resumeRunSchema.nullable(),
        response: { 200: graphRunSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const { from = null, latest = false, plan = null } = body ?? {};
      const resumed = await createOnce<GraphRunView>(request, reply, {
        status: 200,
        create: (once) => store.resumes.resume(params.id, { from, latest, plan, actor }, once),
        location: ({ id }) => `/v1/graph-runs/${id}`,
      });
      if (resumed.reason !== 'slot') await startNow(log, () => temporal.startGraphRun(resumed));
      return resumed;
    },
  );
}
