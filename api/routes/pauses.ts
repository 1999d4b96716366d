import { noteSchema } from '../../graph/requests.ts';
import { graphRunSchema } from '../../graph/resources.ts';
import type { PausedGraphRun } from '../../store/pause-runs.ts';
import { tellPause } from '../../watch/carry-out-requests.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, runPath } from '../request-schemas.ts';
import { tellNow } from '../start-now.ts';

const kept = 'Answers once the request is kept; while Temporal is away its workflow is told later.';
const actions = [
  {
    action: 'pause',
    paused: true,
    summary: 'Pauses a graph run',
    description: `Starts no more jobs: those in flight go on to their ends, with all their attempts. ${kept}`,
  },
  {
    action: 'unpause',
    paused: false,
    summary: 'Lets a graph run go on that is paused',
    description: kept,
  },
] as const;

/** /graph-runs/:id/pause and /unpause */
export function pauseRoutes(app: Api, { store, temporal }: Dependencies): void {
  for (const { action, paused, summary, description } of actions) {
    app.post(
      `/graph-runs/:id/${action}`,
      {
        config: { permission: 'write' },
        schema: {
          tags: ['runs'],
          summary,
          description,
          params: runPath,
          querystring: noQuery,
          body: noteSchema.nullable(),
          response: { 202: graphRunSchema },
        },
      },
      async (request, reply) => {
        const { params, body, actor, log } = request;
        const made = await createOnce<PausedGraphRun>(request, reply, {
          status: 202,
          create: (once) =>
            store.pauses.set({ id: params.id, paused, note: body?.note ?? null, actor }, once),
          location: ({ id }) => `/v1/graph-runs/${id}`,
        });
        const { toTell } = made;
        if (toTell) await tellNow(log, () => tellPause({ store, starter: temporal }, toTell));
        return made;
      },
    );
  }
}
