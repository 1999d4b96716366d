import type { FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '../../graph/errors.ts';
import type { Api } from '../dependencies.ts';
import { problemMediaType, problemOf, toCodedError } from '../problems.ts';

/** For a client that waits before it tries again. */
const retryAfterSeconds = 5;

/** Answers every error, and every unknown route, as problem+json. */
export function answerErrors(app: Api): void {
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const message = `There is no route ${request.method} ${path}; /docs lists them all.`;
    return sendError(new CodedError('ROUTE_UNKNOWN', message), request, reply);
  });
}

/** Sends an error: also used where the framework has no route yet, such as for a malformed path. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toCodedError(thrown instanceof Error ? thrown : new Error(String(thrown)), request);
  request.errorCode = error.code;
  if (error.status >= 500) request.log.error({ err: error }, error.message);
  if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer realm="graphrun"');
  if (error.status === 503) reply.header('retry-after', retryAfterSeconds);
  // Already serialized, so that no reply schema of the route can stand in the way of an error.
  return reply
    .code(error.status)
    .type(problemMediaType)
    .send(JSON.stringify(problemOf(error)));
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the error that was answered, for the request's line in the log. */
    errorCode: string | null;
  }
}
