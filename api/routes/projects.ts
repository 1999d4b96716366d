import { z } from 'zod';
import { timezoneSchema } from '../../graph/definition.ts';
import { createProjectSchema } from '../../graph/requests.ts';
import { type ProjectView, pageSchema, projectSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { createOnce } from '../plugins/idempotency.ts';
import { noQuery, pageQuery, projectPath } from '../request-schemas.ts';

const tags = ['projects'];

/** /projects and /projects/:project */
export function projectRoutes(app: Api, dependencies: Dependencies): void {
  allProjectsRoutes(app, dependencies);
  oneProjectRoutes(app, dependencies);
}

function allProjectsRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/projects',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists projects, newest first',
        querystring: pageQuery,
        response: { 200: pageSchema(projectSchema) },
      },
    },
    ({ query }) => store.projects.list(query),
  );

  app.post(
    '/projects',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Makes a project',
        querystring: noQuery,
        body: createProjectSchema,
        response: { 201: projectSchema },
      },
    },
    (request, reply) => {
      const { name, timezone = 'UTC' } = request.body;
      return createOnce<ProjectView>(request, reply, {
        status: 201,
        create: (once) => store.projects.create({ name, timezone, actor: request.actor }, once),
        location: (project) => `/v1/projects/${project.name}`,
      });
    },
  );
}

function oneProjectRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/projects/:project',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a project, with the state of its latest run',
        params: projectPath,
        querystring: noQuery,
        response: { 200: projectSchema },
      },
    },
    ({ params }) => store.projects.get(params.project),
  );

  app.patch(
    '/projects/:project',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Changes a project',
        params: projectPath,
        querystring: noQuery,
        body: z.strictObject({ timezone: timezoneSchema }),
        response: { 200: projectSchema },
      },
    },
    ({ params, body, actor }) => store.projects.update(params.project, { timezone: body.timezone, actor }),
  );

  app.delete(
    '/projects/:project',
    {
      config: { permission: 'admin' },
      schema: {
        tags,
        summary: 'Deletes a project with its runs, files and data',
        description:
          'Refused while a run of it is open. Its part of the warehouse is dropped a moment later; until then its name is ' +
          'not free (409, PROJECT_BEING_DELETED). Its events stay in the feed for their time.',
        params: projectPath,
        querystring: noQuery,
        response: { 204: z.null().describe('Deleted') },
      },
    },
    async ({ params, actor }, reply) => {
      await store.projects.remove(params.project, actor);
      return reply.code(204).send(null);
    },
  );
}
