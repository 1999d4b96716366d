import { markJobSchema } from '../../graph/requests.ts';
import { type JobRunDetail, jobRunDetailSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, runPath } from '../request-schemas.ts';

/** /job-runs/:id/mark */
export function markRoute(app: Api, { store }: Dependencies): void {
  app.post(
    '/job-runs/:id/mark',
    {
      config: { permission: 'write' },
      schema: {
        tags: ['runs'],
        summary: 'Marks a failed job of a graph run as done by hand',
        description:
          'The next resume of its run keeps the job as SUCCESS/marked, and gives `output` to the jobs below it. The output is ' +
          'not checked against the kind of the job. A later mark takes the place of an earlier one; the output of that stays unless another one is given.',
        params: runPath,
        querystring: noQuery,
        body: markJobSchema,
        response: { 200: jobRunDetailSchema },
      },
    },
    (request, reply) => {
      const { params, body, actor } = request;
      return createOnce<JobRunDetail>(request, reply, {
        status: 200,
        create: (once) => store.marks.mark({ ...body, output: body.output, id: params.id, actor }, once),
        location: ({ id }) => `/v1/job-runs/${id}`,
      });
    },
  );
}
