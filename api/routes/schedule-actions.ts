import { z } from 'zod';
import { limits } from '../../graph/limits.ts';
import { noteSchema } from '../../graph/requests.ts';
import { type GraphRunView, graphRunSchema } from '../../graph/resources.ts';
import { showTick } from '../../graph/schedules/preview.ts';
import { type ScheduleView, schedulePreviewSchema, scheduleSchema } from '../../graph/schedules/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, schedulePath } from '../request-schemas.ts';
import { applyNow, startNow } from '../start-now.ts';
import { tellTemporal } from '../tell-temporal.ts';

const tags = ['schedules'];

/** What is done with a schedule: /projects/:project/schedules/:name/… */
export function scheduleActionRoutes(app: Api, dependencies: Dependencies): void {
  pauseRoute(app, dependencies, { path: 'pause', paused: true, summary: 'Pauses a schedule' });
  pauseRoute(app, dependencies, { path: 'unpause', paused: false, summary: 'Lets a schedule go on' });
  triggerRoute(app, dependencies);
  skipRoute(app, dependencies);
  const { store, temporal } = dependencies;

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
    async ({ params, query: { count } }) => {
      const preview = await store.schedules.preview(params, count);
      if (!('temporalId' in preview)) return preview;
      const { temporalId, timezone } = preview;
      const times = await temporal.scheduleTimes(temporalId, count);
      const items = times.map((at) => showTick(timezone, { at, dst: null }));
      return { timezone, readBy: 'temporal' as const, items };
    },
  );
}

function skipRoute(app: Api, { store }: Dependencies): void {
  app.post(
    '/projects/:project/schedules/:name/skip',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Skips the next time of a schedule',
        description:
          'It makes no run but an event. Asked again before it has passed, nothing more is skipped.',
        params: schedulePath,
        querystring: noQuery,
        body: noteSchema.nullable(),
        response: { 200: scheduleSchema },
      },
    },
    (request, reply) => {
      const { params, body, actor } = request;
      const skip = { ...params, note: body?.note ?? null, actor };
      return createOnce<ScheduleView>(request, reply, {
        status: 200,
        create: (once) => store.schedules.skipNext(skip, once),
        location: ({ project, name }) => `/v1/projects/${project}/schedules/${name}`,
      });
    },
  );
}

function triggerRoute(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/projects/:project/schedules/:name/trigger',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Runs what a schedule runs, now',
        description:
          'Whether it is paused or not, and beside its own times. Answers once the run is stored, with the run as it was ' +
          'created. While Temporal is away it stays PENDING and is started later.',
        params: schedulePath,
        querystring: noQuery,
        body: z.strictObject({}).nullable(),
        response: { 201: graphRunSchema },
      },
    },
    async (request, reply) => {
      const { params, actor, log } = request;
      const run = { ...(await store.schedules.toTrigger(params)), actor };
      const created = await createOnce<GraphRunView>(request, reply, {
        status: 201,
        create: (once) => store.graphRuns.create(run, once),
        location: ({ id }) => `/v1/graph-runs/${id}`,
      });
      // One that waits for another run is started when that has ended.
      if (created.reason !== 'slot') await startNow(log, () => temporal.startGraphRun(created));
      return created;
    },
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
