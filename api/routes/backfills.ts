import { z } from 'zod';
import { limits } from '../../graph/limits.ts';
import { pageSchema } from '../../graph/resources.ts';
import {
  type BackfillView,
  backfillPreviewSchema,
  backfillSchema,
  backfillWindowSchema,
  cancelBackfillSchema,
  newBackfillSchema,
  resumeBackfillSchema,
} from '../../graph/schedules/backfills.ts';
import { scheduleNameSchema } from '../../graph/schedules/definition.ts';
import type { CancelledBackfill } from '../../store/backfill-changes.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, pageQuery, projectPath, runPath, schedulePath } from '../request-schemas.ts';
import { tellNow } from '../start-now.ts';

const tags = ['backfills'];
const atOnceDefault = 1;
const locationOf = ({ id }: BackfillView) => `/v1/backfills/${id}`;

/** /projects/:project/schedules/:name/backfills, /projects/:project/backfills and /backfills/:id */
export function backfillRoutes(app: Api, dependencies: Dependencies): void {
  newBackfillRoutes(app, dependencies);
  readingRoutes(app, dependencies);
  changeRoutes(app, dependencies);
}

function newBackfillRoutes(app: Api, { store }: Dependencies): void {
  app.post(
    '/projects/:project/schedules/:name/backfills',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Runs the times of a schedule that have passed',
        description:
          'Of each time of the schedule from `from` to `to` a run is made, `atOnce` of them open at once, of the graph that is ' +
          'current then. Times that had a run before are skipped, unless `again` is true. Whether the schedule is paused ' +
          'makes no difference. Its runs: `GET /v1/graph-runs?backfill=`.',
        params: schedulePath,
        querystring: noQuery,
        body: newBackfillSchema,
        response: { 201: backfillSchema },
      },
    },
    (request, reply) => {
      const { params: name, body, actor } = request;
      const {
        from,
        to,
        order = 'oldest',
        atOnce = atOnceDefault,
        params = {},
        again = false,
        note = null,
      } = body;
      const backfill = { ...name, window: { from, to }, order, atOnce, params, again, note, actor };
      return createOnce<BackfillView>(request, reply, {
        status: 201,
        create: (once) => store.backfills.create(backfill, once),
        location: locationOf,
      });
    },
  );

  app.get(
    '/projects/:project/schedules/:name/backfills/preview',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Tells how many runs a backfill would make, and how long they would take',
        description:
          'Changes nothing. The estimate is by how long runs of the schedule took, or else of the project.',
        params: schedulePath,
        querystring: backfillWindowSchema.extend({
          atOnce: z.coerce.number().int().min(1).max(limits.backfillRunsAtOnce).default(atOnceDefault),
          again: z.stringbool().default(false),
        }),
        response: { 200: backfillPreviewSchema },
      },
    },
    ({ params, query: { from, to, atOnce, again } }) =>
      store.backfills.preview({ ...params, window: { from, to }, atOnce, again }),
  );
}

function readingRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/projects/:project/backfills',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists backfills of a project, newest first',
        params: projectPath,
        querystring: pageQuery.extend({ schedule: scheduleNameSchema.optional() }),
        response: { 200: pageSchema(backfillSchema) },
      },
    },
    ({ params: { project }, query: { schedule, ...page } }) =>
      store.backfills.list({ project, schedule }, page),
  );

  app.get(
    '/backfills/:id',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows how far a backfill has come',
        params: runPath,
        querystring: noQuery,
        response: { 200: backfillSchema },
      },
    },
    ({ params }) => store.backfills.get(params.id),
  );
}

function changeRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.post(
    '/backfills/:id/cancel',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Cancels a backfill: it makes no more runs',
        description:
          'Runs that are open go on to their ends; with `running` they are cancelled as well. Asked again, the first request ' +
          'counts, but its open runs can be cancelled later.',
        params: runPath,
        querystring: noQuery,
        body: cancelBackfillSchema.nullable(),
        response: { 200: backfillSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const cancel = { ...params, running: body?.running ?? false, note: body?.note ?? null, actor };
      const cancelled = await createOnce<CancelledBackfill>(request, reply, {
        status: 200,
        create: (once) => store.backfills.cancel(cancel, once),
        location: locationOf,
      });
      await Promise.all(cancelled.toSend.map((each) => tellNow(log, () => temporal.requestCancel(each))));
      return cancelled;
    },
  );

  app.post(
    '/backfills/:id/resume',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Goes on with a backfill that was stopped',
        description:
          'Where it had come to. Runs that were cancelled since it was stopped go on at their next epoch, before new ones are ' +
          'made; with `failed` so do all that have failed.',
        params: runPath,
        querystring: noQuery,
        body: resumeBackfillSchema.nullable(),
        response: { 200: backfillSchema },
      },
    },
    (request, reply) => {
      const { params, body, actor } = request;
      const resume = { ...params, failed: body?.failed ?? false, note: body?.note ?? null, actor };
      return createOnce<BackfillView>(request, reply, {
        status: 200,
        create: (once) => store.backfills.resume(resume, once),
        location: locationOf,
      });
    },
  );
}
