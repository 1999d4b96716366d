import type { FastifyRequest } from 'fastify';
import { CodedError } from '../../graph/errors.ts';
import type { ApiKeyHolder, Role, Store } from '../../store/store.ts';
import type { Api } from '../dependencies.ts';

/** What a route asks of the key that calls it. */
export type Permission = 'read' | 'write' | 'admin';

/** What each role may do. */
const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ['read'],
  editor: ['read', 'write'],
  admin: ['read', 'write', 'admin'],
};

/** Per address, so that keys cannot be guessed; keys that are right are not counted. */
const wrongKeysPerMinute = 100;
const bearerPattern = /^Bearer +([\x21-\x7e]{1,512}) *$/i;

/** Lets a request into this scope only with an API key whose role has the route's permission. */
export function requireApiKey(scope: Api, store: Store): void {
  const countWrongKeys = scope.createRateLimit({ max: wrongKeysPerMinute, timeWindow: 60_000 });

  scope.addHook('onRoute', (route) => {
    if (route.config?.permission === undefined) {
      throw new Error(
        `route ${String(route.method)} ${route.url} declares no permission: add config.permission`,
      );
    }
  });

  scope.addHook('onRequest', async (request) => {
    const wrong = await countWrongKeys(request, { increment: false });
    if (!wrong.isAllowed && wrong.remaining === 0) {
      throw new CodedError(
        'RATE_LIMITED',
        'Too many requests with a wrong API key came from this address; wait a minute.',
      );
    }
    const key = readKey(request);
    const holder = key === undefined ? undefined : await store.apiKeys.authenticate(key);
    if (!holder) {
      await countWrongKeys(request);
      throw new CodedError('UNAUTHENTICATED', explainMissingKey(request, key));
    }
    request.actor = `key:${holder.name}`;
    checkPermission(request, holder);
  });
}

function readKey(request: FastifyRequest): string | undefined {
  return bearerPattern.exec(request.headers.authorization ?? '')?.[1];
}

function explainMissingKey(request: FastifyRequest, key: string | undefined): string {
  if (key !== undefined) return 'The API key is not known, or was revoked.';
  if (request.headers.authorization !== undefined)
    return 'The Authorization header is not of the form: Bearer <API key>.';
  return 'Send an API key in the header: Authorization: Bearer <API key>.';
}

function checkPermission(request: FastifyRequest, holder: ApiKeyHolder): void {
  const needed = request.routeOptions.config.permission;
  if (needed !== undefined && permissionsOf[holder.role].includes(needed)) return;
  const message = `The API key "${holder.name}" is of a ${holder.role}, who may not ${needed}.`;
  throw new CodedError('FORBIDDEN', message);
}

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: Permission;
  }
  interface FastifyRequest {
    /** Who acts, `key:<name>`; empty before the key was found. */
    actor: string;
  }
}
