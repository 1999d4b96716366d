import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as resources from '../../graph/resources.ts';
import type { Api } from '../dependencies.ts';
import { problemMediaType } from '../problems.ts';
import type { Permission } from './authentication.ts';

const description = `Runs graphs of data jobs durably on Temporal.

Times are ISO 8601 in UTC. Lists are pages: ask for the next one with \`cursor\` set to \`nextCursor\`, which is null on the
last page. Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`; \`problems\` lists all that is wrong with
an input, each with a JSON pointer.`;

const named: Readonly<Record<string, z.ZodType>> = {
  Project: resources.projectSchema,
  GraphVersion: resources.graphVersionSchema,
  GraphChange: resources.graphChangeSchema,
  Job: resources.jobSchema,
  JobRun: resources.jobRunSchema,
  JobRunDetail: resources.jobRunDetailSchema,
  Attempt: resources.attemptSchema,
  GraphRun: resources.graphRunSchema,
  GraphRunDetail: resources.graphRunDetailSchema,
  Task: resources.taskSchema,
  Event: resources.eventSchema,
  File: resources.fileSchema,
  Problem: resources.problemSchema,
};

const mayDo: Readonly<Record<Permission, string>> = {
  read: 'Every API key may do this.',
  write: 'The API key of an editor or admin may do this.',
  admin: 'Only the API key of an admin may do this.',
};

/** The page's script and style come from this server only; no inline code. */
const docsPolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

/** Serves the OpenAPI document, made from the routes' own schemas, and a page to read and try it. */
export async function describeApi(app: Api): Promise<void> {
  for (const [id, schema] of Object.entries(named))
    if (!z.globalRegistry.has(schema)) z.globalRegistry.add(schema, { id });
  const transformSchemas = createJsonSchemaTransform({});
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: { title: 'Graphrun', version: '1', description },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
      },
    },
    transform: (input) => {
      const { schema, url } = transformSchemas(input);
      const permission = input.route.config?.permission;
      if (permission === undefined) return { schema, url };
      return { url, schema: { ...schema, ...withKey(schema, permission) } };
    },
    transformObject: nameUsedSchemas,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: docsPolicy,
    uiConfig: { deepLinking: true, tryItOutEnabled: true },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

interface Described {
  readonly description?: string;
  readonly response?: unknown;
}

function withKey(schema: Described, permission: Permission) {
  const problem = { $ref: '#/components/schemas/Problem' };
  return {
    security: [{ bearer: [] }],
    description: [schema.description, mayDo[permission]].filter(Boolean).join(' '),
    response: {
      ...(typeof schema.response === 'object' && schema.response),
      default: { description: 'Refused or failed', content: { [problemMediaType]: { schema: problem } } },
    },
  };
}

/** Every named schema is made in two forms, as input and as output; only those that are referred to are shown. */
const nameUsedSchemas: SwaggerTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input);
  if (!('components' in document) || !document.components?.schemas) return document;
  const { schemas } = document.components;
  const isUsed = (id: string) => JSON.stringify(document).includes(`"#/components/schemas/${id}"`);
  // Again and again, since one that is left out may have been the only one to refer to another.
  for (let unused = ['']; unused.length > 0; ) {
    unused = Object.keys(schemas).filter((id) => !isUsed(id));
    for (const id of unused) delete schemas[id];
  }
  return document;
};
