import { z } from 'zod';
import { limits } from '../../graph/limits.ts';
import { noteSchema } from '../../graph/requests.ts';
import { type ScheduleView, schedulePreviewSchema, scheduleSchema } from '../../graph/schedules/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, schedulePath } from '../request-schemas.ts';
import { applyNow } from '../start-now.ts';
import { tellTemporal } from '../tell-temporal.ts';

const tags = ['schedules'];

/** What is done with a schedule: /projects/:project/schedules/:name/… */
export function scheduleActionRoutes(app: Api, dependencies: Dependencies): void {
  pauseRoute(app, dependencies, { path: 'pause', paused: true, summary: 'Pauses a schedule' });
  pauseRoute(app, dependencies, { path: 'unpause', paused: false, summary: 'Lets a schedule go on' });
  const { store } = dependencies;

  app.get(
    '/projects/:project/schedules/:name/preview',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the next times of a schedule',
        description:
          'As it fires, paused or not, before any jitter; with the days on which the clock is changed marked.',
        params: schedulePath,
        querystring: z.strictObject({
          count: z.coerce
            .number()
            .int()
            .min(1)
            .max(limits.scheduleTicksMax)
            .default(limits.scheduleTicksDefault),
        }),
        response: { 200: schedulePreviewSchema },
      },
    },
    ({ params, query }) => store.schedules.preview(params, query.count),
  );
}

function pauseRoute(
  app: Api,
  { store, temporal }: Dependencies,
  { path, paused, summary }: { readonly path: string; readonly paused: boolean; readonly summary: string },
): void {
  app.post(
    `/projects/:project/schedules/:name/${path}`,
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary,
        description: 'While Temporal is away the change is kept, and applied when it is back.',
        params: schedulePath,
        querystring: noQuery,
        body: noteSchema.nullable(),
        response: { 200: scheduleSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const pause = { ...params, paused, note: body?.note ?? null, actor };
      const made = await createOnce<ScheduleView>(request, reply, {
        status: 200,
        create: (once) => store.schedules.pause(pause, once),
        location: ({ project, name }) => `/v1/projects/${project}/schedules/${name}`,
      });
      await applyNow(log, () => tellTemporal({ store, temporal }, params));
      return made;
    },
  );
}
