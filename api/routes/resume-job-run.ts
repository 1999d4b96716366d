import { emptyBodySchema } from '../../graph/requests.ts';
import { jobRunDetailSchema } from '../../graph/resources.ts';
import type { ResumedJobRun } from '../../store/resume-job-runs.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, runPath } from '../request-schemas.ts';
import { startNow } from '../start-now.ts';

/** /job-runs/:id/resume */
export function resumeJobRunRoute(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/job-runs/:id/resume',
    {
      config: { permission: 'write' },
      schema: {
        tags: ['runs'],
        summary: 'Goes on with a job that was run alone and has failed',
        description:
          'The job run is PENDING at its next epoch, with all attempts of its `retry` before it; earlier ones stay with it. One ' +
          'in a graph run goes on with that.',
        params: runPath,
        querystring: noQuery,
        body: emptyBodySchema.nullable(),
        response: { 200: jobRunDetailSchema },
      },
    },
    async (request, reply) => {
      const { params, actor, log } = request;
      const resumed = await createOnce<ResumedJobRun>(request, reply, {
        status: 200,
        create: (once) => store.resumes.resumeJobRun({ id: params.id, actor }, once),
        location: ({ id }) => `/v1/job-runs/${id}`,
      });
      await startNow(log, () => temporal.startJobRun(resumed));
      return resumed;
    },
  );
}
