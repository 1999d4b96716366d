import rateLimit from '@fastify/rate-limit';
import fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { describe, expect, test } from 'vitest';
import type { Api } from '../../api/dependencies.ts';
import { requireApiKey } from '../../api/plugins/authentication.ts';
import { routesOf } from './open-api.ts';
import { useApi } from './test-api.ts';

const { app, call, store } = await useApi();

/** What each route asks for: a new route fails the test until it is listed here. */
const permissions = {
  'GET /v1/projects': 'read',
  'POST /v1/projects': 'write',
  'GET /v1/projects/{project}': 'read',
  'PATCH /v1/projects/{project}': 'write',
  'DELETE /v1/projects/{project}': 'admin',
  'PUT /v1/projects/{project}/graph': 'write',
  'GET /v1/projects/{project}/graph': 'read',
  'GET /v1/projects/{project}/graph/versions': 'read',
  'GET /v1/projects/{project}/jobs': 'read',
  'GET /v1/projects/{project}/jobs/{job}': 'read',
  'GET /v1/projects/{project}/jobs/{job}/runs': 'read',
  'POST /v1/projects/{project}/jobs/{job}/runs': 'write',
  'GET /v1/projects/{project}/files': 'read',
  'GET /v1/projects/{project}/files/{name}': 'read',
  'PUT /v1/projects/{project}/files/{name}': 'write',
  'POST /v1/projects/{project}/runs': 'write',
  'GET /v1/graph-runs': 'read',
  'GET /v1/graph-runs/{id}': 'read',
  'GET /v1/graph-runs/{id}/verify': 'read',
  'GET /v1/graph-runs/{id}/explain': 'read',
  'POST /v1/graph-runs/{id}/plan': 'read',
  'POST /v1/graph-runs/{id}/resume': 'write',
  'POST /v1/graph-runs/{id}/cancel': 'write',
  'POST /v1/graph-runs/{id}/pause': 'write',
  'POST /v1/graph-runs/{id}/unpause': 'write',
  'POST /v1/job-runs/{id}/cancel': 'write',
  'POST /v1/job-runs/{id}/retry': 'write',
  'POST /v1/job-runs/{id}/mark': 'write',
  'POST /v1/job-runs/{id}/resume': 'write',
  'GET /v1/job-runs/{id}': 'read',
  'GET /v1/job-runs/{id}/attempts': 'read',
  'GET /v1/pools': 'read',
  'GET /v1/pools/{pool}': 'read',
  'PUT /v1/pools/{pool}': 'write',
  'DELETE /v1/pools/{pool}': 'write',
  'GET /v1/events': 'read',
  'GET /v1/events/stream': 'read',
  'GET /metrics': 'read',
  'GET /v1/job-runs/{id}/verify': 'read',
  'GET /v1/job-runs/{id}/explain': 'read',
  'GET /v1/verifications': 'read',
  'GET /v1/projects/{project}/schedules': 'read',
  'POST /v1/projects/{project}/schedules': 'write',
  'GET /v1/projects/{project}/schedules/{name}': 'read',
  'GET /v1/projects/{project}/schedules/{name}/simulation': 'read',
  'PATCH /v1/projects/{project}/schedules/{name}': 'write',
  'DELETE /v1/projects/{project}/schedules/{name}': 'write',
  'POST /v1/projects/{project}/schedules/{name}/trigger': 'write',
  'POST /v1/projects/{project}/schedules/{name}/skip': 'write',
  'POST /v1/projects/{project}/schedules/{name}/pause': 'write',
  'POST /v1/projects/{project}/schedules/{name}/unpause': 'write',
  'GET /v1/projects/{project}/schedules/{name}/preview': 'read',
  'POST /v1/projects/{project}/schedules/{name}/backfills': 'write',
  'GET /v1/projects/{project}/schedules/{name}/backfills/preview': 'read',
  'GET /v1/projects/{project}/backfills': 'read',
  'GET /v1/backfills/{id}': 'read',
  'POST /v1/backfills/{id}/cancel': 'write',
  'POST /v1/backfills/{id}/resume': 'write',
} as const;

const allowed = {
  viewer: { read: true, write: false, admin: false },
  editor: { read: true, write: true, admin: false },
  admin: { read: true, write: true, admin: true },
};
const roles = ['viewer', 'editor', 'admin'] as const;

function methodAndUrl(route: string): { method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; url: string } {
  const [method, path = ''] = route.split(' ');
  const url = path
    .replace('{project}', 'nobody')
    .replace('{job}', 'none')
    .replace('{pool}', 'none')
    .replace('{name}', 'a.csv')
    .replace('{id}', '1')
    // One that is let in would not end.
    .replace('/stream', '/stream?after=never');
  return { method: method as 'GET', url };
}

test('the table holds every route that asks for a key', () => {
  const documented = routesOf(app).filter((route) => !route.includes(' /health/'));
  expect(documented.toSorted()).toEqual(Object.keys(permissions).toSorted());
});

/** Wrong keys are counted by address: each route is asked from its own. */
function addressOf(route: string): string {
  return `10.0.0.${Object.keys(permissions).indexOf(route)}`;
}

describe.each(Object.entries(permissions))('%s', (route, permission) => {
  const { method, url } = methodAndUrl(route);
  const remoteAddress = addressOf(route);

  test.each(roles)(`answers a(n) %s as one who may or may not ${permission}`, async (role) => {
    const { status, problem } = await call(method, url, { role });
    if (allowed[role][permission]) expect([401, 403]).not.toContain(status);
    else expect([status, problem.code]).toEqual([403, 'FORBIDDEN']);
  });

  test.each([
    ['no key', undefined],
    ['an unknown key', 'Bearer nobody-has-this'],
    ['another scheme', 'Basic a2V5LW9mLWFkbWlu'],
    ['two keys', 'Bearer key-of-admin key-of-editor'],
  ])('turns away %s', async (_what, authorization) => {
    const response = await app.inject({
      method,
      url,
      remoteAddress,
      headers: authorization === undefined ? {} : { authorization },
    });
    expect([response.statusCode, response.json().code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(response.headers['www-authenticate']).toBe('Bearer realm="graphrun"');
    expect(response.headers['content-type']).toContain('application/problem+json');
  });
});

test('HEAD asks for what GET asks for', async () => {
  expect((await app.inject({ method: 'HEAD', url: '/v1/projects' })).statusCode).toBe(401);
  expect((await call('HEAD', '/v1/projects', { role: 'viewer' })).status).toBe(200);
});

test('a route that declares no permission keeps the server from starting', async () => {
  const scope: Api = fastify().withTypeProvider<ZodTypeProvider>();
  await scope.register(rateLimit);
  requireApiKey(scope, store);
  expect(() => scope.get('/v1/secrets', async () => 'all of them')).toThrow(
    'route GET /v1/secrets declares no permission',
  );
});
