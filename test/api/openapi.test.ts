import { describe, expect, test } from 'vitest';
import { openApiOf } from './open-api.ts';
import { useApi } from './test-api.ts';

const { app } = await useApi();
const document = openApiOf(app);
const operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
  Object.entries(byMethod).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
);

test('the document is served, as OpenAPI 3.1', async () => {
  const response = await app.inject('/openapi.json');
  expect(response.statusCode).toBe(200);
  expect(response.json()).toEqual(document);
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(document.components.securitySchemes).toEqual({
    bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' },
  });
});

test('it lists the routes that a deployment has', () => {
  const paths = Object.keys(document.paths);
  expect(paths).toContain('/health/ready');
  expect(paths).toContain('/v1/projects/{project}/graph');
  expect(paths.filter((path) => path.startsWith('/docs') || path === '/openapi.json')).toEqual([]);
});

test('every reference in it leads somewhere, and every named schema is used', () => {
  const text = JSON.stringify(document);
  const referred = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name),
  );
  expect([...referred].toSorted()).toEqual(Object.keys(document.components.schemas).toSorted());
  expect([...text.matchAll(/"\$ref":"(?!#\/components\/schemas\/)[^"]*"/g)]).toEqual([]);
});

describe.each(operations)('$name', ({ path, operation }) => {
  test('is described: summary, tag, an answer, each parameter of its path', () => {
    expect(operation.summary).toBeTruthy();
    expect(operation.tags).toHaveLength(1);
    expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    for (const response of Object.values(operation.responses)) expect(response.description).toBeTruthy();
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name }) => name).toSorted()).toEqual(inPath.toSorted());
    expect(declared.every(({ required }) => required)).toBe(true);
  });
});

describe.each(operations.filter(({ path }) => !path.startsWith('/health/')))('$name', ({ operation }) => {
  test('asks for a key, and tells how it refuses', () => {
    expect(operation.security).toEqual([{ bearer: [] }]);
    expect(operation.responses.default?.content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    });
  });
});

test('the bodies of a definition and of a file are described as what they are', () => {
  const graph = document.paths['/v1/projects/{project}/graph']?.put?.requestBody?.content['application/json'];
  expect(graph).toMatchObject({ schema: { type: 'object', required: ['project', 'jobs'] } });
  const file = document.paths['/v1/projects/{project}/files/{name}']?.put?.requestBody?.content;
  expect(file).toEqual({ 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } });
});

test('the page that shows it runs under a policy without inline code', async () => {
  const page = await app.inject('/docs/');
  expect(page.statusCode).toBe(200);
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/unsafe-|upgrade-insecure/);
  expect(page.payload).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=/);
});

test('all other answers allow a browser nothing', async () => {
  const { headers } = await app.inject('/v1/projects');
  expect(headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'");
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['cache-control']).toBe('no-store');
});
