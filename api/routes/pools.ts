import { z } from 'zod';
import { poolNameSchema } from '../../graph/definition.ts';
import { poolSchema, putPoolSchema } from '../../graph/pools.ts';
import { pageSchema } from '../../graph/resources.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { noQuery } from '../request-schemas.ts';

const tags = ['pools'];
const poolPath = z.strictObject({ pool: poolNameSchema });

/** /pools and /pools/:pool */
export function poolRoutes(app: Api, dependencies: Dependencies): void {
  readRoutes(app, dependencies);
  writeRoutes(app, dependencies);
}

function readRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/pools',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Lists pools by name, with what is held of them and how many jobs wait',
        querystring: noQuery,
        response: { 200: pageSchema(poolSchema).describe('All pools: one page.') },
      },
    },
    async () => ({ items: await store.pools.list(), nextCursor: null }),
  );

  app.get(
    '/pools/:pool',
    {
      config: { permission: 'read' },
      schema: {
        tags,
        summary: 'Shows a pool',
        params: poolPath,
        querystring: noQuery,
        response: { 200: poolSchema },
      },
    },
    ({ params }) => store.pools.get(params.pool),
  );
}

function writeRoutes(app: Api, { store }: Dependencies): void {
  app.put(
    '/pools/:pool',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Makes a pool, or changes it',
        description:
          'More slots are given to jobs that wait at once; fewer take nothing from those that hold them. Refused (409, ' +
          'POOL_IN_USE) where a job of a current graph asks for more. The whole of it: a description that is left out is empty.',
        params: poolPath,
        querystring: noQuery,
        body: putPoolSchema,
        response: { 200: poolSchema },
      },
    },
    ({ params, body, actor }) => {
      const { slots, description = '' } = body;
      return store.pools.put({ name: params.pool, slots, description, actor });
    },
  );

  app.delete(
    '/pools/:pool',
    {
      config: { permission: 'write' },
      schema: {
        tags,
        summary: 'Deletes a pool',
        description:
          'Refused (409, POOL_IN_USE) while a job of a current graph asks for it, or a job holds or waits for slots.',
        params: poolPath,
        querystring: noQuery,
        response: { 204: z.null().describe('Deleted') },
      },
    },
    async ({ params, actor }, reply) => {
      await store.pools.remove(params.pool, actor);
      return reply.code(204).send(null);
    },
  );
}
