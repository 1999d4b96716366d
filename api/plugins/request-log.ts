import type { Api } from '../dependencies.ts';

/** One line for each request, without headers and query: they may hold what is secret. */
export function logRequests(app: Api): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, actor, errorCode } = request;
    const line = {
      method,
      path: request.url.split('?', 1)[0],
      route: routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...(actor !== '' && { actor }),
      ...(errorCode !== null && { code: errorCode }),
    };
    if (routeOptions.config.quiet) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Logged only at the level debug: for what machines ask all the time. */
    quiet?: boolean;
  }
}
