import { z } from 'zod';
import { timezoneSchema } from '../../graph/definition.ts';
import { createProjectSchema, pageSchema, projectSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
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
    async ({ body, actor }, reply) => {
      const project = await store.projects.create({
        name: body.name,
        timezone: body.timezone ?? 'UTC',
        actor,
      });
      return reply.code(201).header('location', `/v1/projects/${project.name}`).send(project);
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
        summary: 'Deletes a project with its runs',
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
