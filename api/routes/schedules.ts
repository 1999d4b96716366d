import { z } from 'zod';
import { isRecord, parsePart } from '../../graph/parse-part.ts';
import { ProblemList } from '../../graph/problem-list.ts';
import { pageSchema } from '../../graph/resources.ts';
import { scheduleDefinitionSchema } from '../../graph/schedules/definition.ts';
import { readSchedule } from '../../graph/schedules/read-schedule.ts';
import {
  newScheduleSchema,
  type ScheduleView,
  scheduleHeadSchema,
  scheduleSchema,
} from '../../graph/schedules/resources.ts';
import { invalidSchedule } from '../../store/index.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, pageQuery, projectPath, schedulePath } from '../request-schemas.ts';
import { applyNow } from '../start-now.ts';
import { tellTemporal } from '../tell-temporal.ts';

const tags = ['schedules'];
const record = () => z.record(z.string(), z.unknown());
/** readSchedule reads them, so that all problems are found at once; here they are only described. */
const newBody = record().meta(z.toJSONSchema(newScheduleSchema, { io: 'input', unrepresentable: 'any' }));
const changeBody = record().meta(
  z.toJSONSchema(scheduleDefinitionSchema, { io: 'input', unrepresentable: 'any' }),
);

const appliedLater = 'While Temporal is away the change is kept, and applied when it is back: see isApplied.';

/** /projects/:project/schedules and /projects/:project/schedules/:name */
export function scheduleRoutes(app: Api, dependencies: Dependencies): void {
  allSchedulesRoutes(app, dependencies);
  oneScheduleRoutes(app, dependencies);
}

function allSchedulesRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.get(
    '/projects/:project/schedules',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists schedules of a project, newest first',
        params: projectPath,
        querystring: pageQuery,
        response: { 200: pageSchema(scheduleSchema) },
      },
    },
    ({ params, query }) => store.schedules.list(params.project, query),
  );

  app.post(
    '/projects/:project/schedules',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Makes a schedule, which runs the current graph at its times',
        description: `All problems of a refused one are told at once. ${appliedLater}`,
        params: projectPath,
        querystring: noQuery,
        body: newBody,
        response: { 201: scheduleSchema },
      },
    },
    async (request, reply) => {
      const { params, body, actor, log } = request;
      const { project } = params;
      const { name, paused = false, note = null, written } = readNew(body);
      const schedule = { project, name, paused, note, written, actor };
      const made = await createOnce<ScheduleView>(request, reply, {
        status: 201,
        create: (once) => store.schedules.create(schedule, once),
        location: () => `/v1/projects/${project}/schedules/${name}`,
      });
      await applyNow(log, () => tellTemporal({ store, temporal }, { project, name }));
      return made;
    },
  );
}

function oneScheduleRoutes(app: Api, { store, temporal }: Dependencies): void {
  app.get(
    '/projects/:project/schedules/:name',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a schedule',
        params: schedulePath,
        querystring: noQuery,
        response: { 200: scheduleSchema },
      },
    },
    ({ params }) => store.schedules.get(params),
  );

  app.patch(
    '/projects/:project/schedules/:name',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Changes parts of a schedule',
        description: `A part that is null is taken away. A time that has passed does not fire. ${appliedLater}`,
        params: schedulePath,
        querystring: noQuery,
        body: changeBody,
        response: { 200: scheduleSchema },
      },
    },
    async ({ params, body, actor, log }) => {
      const changed = await store.schedules.change({ ...params, written: body, actor });
      await applyNow(log, () => tellTemporal({ store, temporal }, params));
      return changed;
    },
  );

  app.delete(
    '/projects/:project/schedules/:name',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Deletes a schedule; its runs stay',
        description: appliedLater,
        params: schedulePath,
        querystring: noQuery,
        response: { 204: z.null().describe('Deleted') },
      },
    },
    async ({ params, actor, log }, reply) => {
      await store.schedules.remove(params, actor);
      await applyNow(log, () => tellTemporal({ store, temporal }, params));
      return reply.code(204).send(null);
    },
  );
}

/** What is wrong with the name and the rest is told together. @throws CodedError SCHEDULE_INVALID */
function readNew(body: Readonly<Record<string, unknown>>) {
  const { name, paused, note, ...written } = body;
  const problems = new ProblemList();
  const head = parsePart(scheduleHeadSchema, { name, paused, note }, problems);
  if (head) return { ...head, written };
  const rest = readSchedule(isRecord(written) ? written : {}, { timezone: 'UTC', now: Date.now() });
  throw invalidSchedule([...problems.shown, ...(rest.ok ? [] : rest.problems)]);
}
