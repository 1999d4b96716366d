import { z } from 'zod';
import type { Api } from '../dependencies.ts';
import type { Metrics } from '../metrics.ts';
import { noQuery } from '../request-schemas.ts';

/** /metrics. It asks for a key, which Prometheus can send: it tells how much an installation works, and at what. */
export function metricsRoute(app: Api, metrics: Metrics): void {
  app.get(
    '/metrics',
    {
      config: { permission: 'read', quiet: true },
      schema: {
        tags: ['health'],
        summary: 'Tells how this process and the installation do, for Prometheus',
        querystring: noQuery,
        response: {
          200: {
            description: 'Metrics in the text format',
            content: { 'text/plain': { schema: z.string() } },
          },
        },
      },
    },
    async (_request, reply) => {
      const text = await metrics.text();
      return reply.type(metrics.mediaType).send(text);
    },
  );
}
