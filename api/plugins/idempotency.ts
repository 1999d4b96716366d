import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { limits } from '../../graph/limits.ts';
import { AnsweredBefore } from '../../store/index.ts';
import type { Answer, Once } from '../../store/store.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { Api } from '../dependencies.ts';

const keyHeader = 'idempotency-key';

const keySchema = z
  .string()
  .regex(
    new RegExp(`^[\\x21-\\x7e]{1,${limits.idempotencyKeyChars}}$`),
    `expected 1 to ${limits.idempotencyKeyChars} visible ASCII characters, without spaces`,
  )
  .optional()
  .describe(
    'Names this request, so that it can be sent again without a second effect: a repeat gets the first answer again, ' +
      `with Idempotency-Replayed: true. Kept for ${limits.idempotencyKeyHours} hours, per API key. Another request ` +
      'with the same key is refused.',
  );

/** Reads the Idempotency-Key of every POST in this scope; a route honours it by `createOnce`. */
export function readIdempotencyKeys(scope: Api): void {
  scope.addHook('onRoute', (route) => {
    if (route.method !== 'POST') return;
    route.schema = { ...route.schema, headers: z.looseObject({ [keyHeader]: keySchema }) };
  });
  // As the body was sent: what its schema makes of it may be another thing after an upgrade.
  scope.addHook('preValidation', async (request) => {
    const key = request.headers[keyHeader];
    if (request.method !== 'POST' || typeof key !== 'string') return;
    request.idempotency = { actor: request.actor, key, requestHash: hashOf(request) };
  });
  scope.setErrorHandler((error, _request, reply) => {
    if (error instanceof AnsweredBefore) return replay(reply, error.answer);
    throw error;
  });
}

function hashOf({ method, url, body }: FastifyRequest): string {
  return createHash('sha256')
    .update(`${method} ${url}\n${canonicalJson(body ?? null)}`)
    .digest('hex');
}

interface Creation<Made> {
  readonly status: number;
  /** Stores it, in one transaction with its answer; which is kept as it is, so it must hold no secret. */
  readonly create: (once: Once<Made> | undefined) => Promise<Made>;
  readonly location: (made: Made) => string;
}

/** Carries out a POST that makes something, once for its Idempotency-Key where it has one, and sets status and location. */
export async function createOnce<Made>(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, create, location }: Creation<Made>,
): Promise<Made> {
  const answer = (made: Made): Answer => ({
    status,
    location: location(made),
    body: String(reply.code(status).serialize(made)),
  });
  const made = await create(request.idempotency ? { ...request.idempotency, answer } : undefined);
  reply.code(status).header('location', location(made));
  return made;
}

function replay(reply: FastifyReply, { status, location, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .header('location', location)
    .header('idempotency-replayed', 'true')
    .type('application/json; charset=utf-8')
    .send(body);
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a POST that has an Idempotency-Key. */
    idempotency: Omit<Once<never>, 'answer'> | null;
  }
}
