import type { Readable } from 'node:stream';
import { z } from 'zod';
import { limits } from '../../graph/limits.ts';
import { fileSchema, pageSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { streamBodies } from '../plugins/json-body.ts';
import { filePath, noQuery, projectPath } from '../request-schemas.ts';
import { readUpload } from '../upload.ts';

const tags = ['files'];
const bytesBody = z.custom<Readable | null>().meta({ type: 'string', format: 'binary' });

/** /projects/:project/files: a scope of its own, since bodies are streams here. */
export async function fileRoutes(scope: Api, { store }: Dependencies): Promise<void> {
  streamBodies(scope);

  scope.put(
    '/projects/:project/files/:name',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Uploads a file for upload jobs',
        description:
          `The body is the file itself, of any content type and up to ${limits.fileBytes} bytes. It is checked against ` +
          'Content-Length and Content-Digest (or Digest) where they are sent, and takes the place of an older file of its ' +
          'name only once it is whole.',
        consumes: ['application/octet-stream'],
        params: filePath,
        querystring: noQuery,
        body: bytesBody,
        response: { 200: fileSchema, 201: fileSchema },
      },
    },
    async ({ params: { project, name }, headers, body, actor }, reply) => {
      const upload = readUpload(headers, body);
      const files = await store.files.list(project);
      const file = await store.files.upload({ project, name, actor, ...upload });
      const isNew = !files.some((known) => known.name === name);
      return reply.code(isNew ? 201 : 200).send(file);
    },
  );

  scope.get(
    '/projects/:project/files',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists the files of a project',
        params: projectPath,
        querystring: noQuery,
        response: { 200: pageSchema(fileSchema).describe('All files: one page.') },
      },
    },
    async ({ params }) => ({ items: await store.files.list(params.project), nextCursor: null }),
  );

  scope.get(
    '/projects/:project/files/:name',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Tells size and digest of a file',
        params: filePath,
        querystring: noQuery,
        response: { 200: fileSchema },
      },
    },
    ({ params }) => store.files.get(params.project, params.name),
  );
}
