import { CodedError } from '../../graph/errors.ts';
import { noteSchema } from '../../graph/requests.ts';
import { jobRunDetailSchema } from '../../graph/resources.ts';
import type { RetriedJobRun } from '../../store/retry-jobs.ts';
import { describePause, unpauseCommand } from '../../watch/pending-activities.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, runPath } from '../request-schemas.ts';
import { tellNow } from '../start-now.ts';

const description =
  'Its back-off is cut short; the attempts that it has are counted on. Answers once the request is kept; while Temporal is ' +
  'away it is told later. Only a job that is PENDING/retry is taken, and whose activity nobody has paused in Temporal.';

/** /job-runs/:id/retry */
export function retryRoute(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/job-runs/:id/retry',
    {
      config: { permission: 'write' },
      schema: {
        tags: ['runs'],
        summary: 'Begins the next attempt of a job that waits for it',
        description,
        params: runPath,
        querystring: noQuery,
        body: noteSchema.nullable(),
        response: { 202: jobRunDetailSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const heldBy = await findHolder({ store, temporal }, params.id);
      const asked = await createOnce<RetriedJobRun>(request, reply, {
        status: 202,
        create: (once) => store.retries.ask({ id: params.id, note: body?.note ?? null, actor, heldBy }, once),
        location: ({ id }) => `/v1/job-runs/${id}`,
      });
      const { toTell } = asked;
      if (toTell) await tellNow(log, () => temporal.retryNow(toTell));
      return asked;
    },
  );
}

/** Who has paused its activity; while Temporal is away nobody is known. */
async function findHolder(
  { store, temporal }: Pick<Dependencies, 'store' | 'temporal'>,
  id: string,
): Promise<string | null> {
  const { job, reason, tasks } = await store.jobRuns.get(id);
  const task = tasks.at(-1);
  if (reason !== 'retry' || !task) return null;
  try {
    const pause = await temporal.findPause({ ...task, job });
    return pause && `${describePause(pause)}; to go on: ${unpauseCommand(task.workflowId, job)}`;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TEMPORAL_UNAVAILABLE') return null;
    throw error;
  }
}
