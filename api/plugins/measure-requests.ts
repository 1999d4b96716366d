import type { Api } from '../dependencies.ts';
import type { Metrics } from '../metrics.ts';

/** Measures every answer, under the template of its route: paths would be a series each. */
export function measureRequests(app: Api, { requests }: Pick<Metrics, 'requests'>): void {
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    if (routeOptions.config.isStream) return;
    const labels = { method, route: routeOptions.url ?? 'unknown', status: reply.statusCode };
    requests.observe(labels, reply.elapsedTime / 1_000);
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer lasts for as long as its reader stays, which says nothing about the server. */
    isStream?: boolean;
  }
}
