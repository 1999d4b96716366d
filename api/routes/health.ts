import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Api, Dependencies } from '../dependencies.ts';
import { noQuery } from '../request-schemas.ts';

const check = z.enum(['up', 'down']);
const readySchema = z.object({ ready: z.boolean(), checks: z.object({ database: check, temporal: check }) });

/** Routes for those who keep the process running; open to all, so they tell no more than up or down. */
export function healthRoutes(app: Api, { store, temporal }: Dependencies): void {
  const config = { quiet: true };

  app.get(
    '/health/live',
    {
      config,
      schema: {
        tags: ['health'],
        summary: 'Whether the process answers',
        querystring: noQuery,
        response: { 200: z.object({ live: z.literal(true) }) },
      },
    },
    async () => ({ live: true }) as const,
  );

  app.get(
    '/health/ready',
    {
      config,
      schema: {
        tags: ['health'],
        summary: 'Whether what it needs answers: the metadata database and Temporal',
        querystring: noQuery,
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (request, reply) => {
      const [database, workflows] = await Promise.all([
        tell(request, 'database', store.ping()),
        tell(request, 'temporal', temporal.ping()),
      ]);
      const ready = database === 'up' && workflows === 'up';
      if (!ready) reply.header('retry-after', 5);
      return reply.code(ready ? 200 : 503).send({ ready, checks: { database, temporal: workflows } });
    },
  );
}

async function tell(request: FastifyRequest, what: string, answer: Promise<void>): Promise<'up' | 'down'> {
  try {
    await answer;
    return 'up';
  } catch (error) {
    request.log.warn({ err: error }, `${what} is down`);
    return 'down';
  }
}
