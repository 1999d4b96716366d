import { expect, test } from 'vitest';
import { CodedError } from '../../graph/errors.ts';
import { useApi } from './test-api.ts';

const { app, store, temporal } = await useApi();

test('the process is alive, and ready while the database and Temporal answer', async () => {
  const live = await app.inject('/health/live');
  expect([live.statusCode, live.json()]).toEqual([200, { live: true }]);
  const ready = await app.inject('/health/ready');
  expect([ready.statusCode, ready.json()]).toEqual([
    200,
    { ready: true, checks: { database: 'up', temporal: 'up' } },
  ]);
});

test('without Temporal it is alive but not ready, and says why', async () => {
  temporal.isAway = true;
  const ready = await app.inject('/health/ready');
  temporal.isAway = false;
  expect([ready.statusCode, ready.json()]).toEqual([
    503,
    { ready: false, checks: { database: 'up', temporal: 'down' } },
  ]);
  expect(ready.headers['retry-after']).toBe('5');
});

test('without the database likewise', async () => {
  const { ping } = store;
  store.ping = () =>
    Promise.reject(new CodedError('STORE_UNAVAILABLE', 'postgres://user:secret@host is away'));
  const ready = await app.inject('/health/ready');
  store.ping = ping;
  expect([ready.statusCode, ready.json()]).toEqual([
    503,
    { ready: false, checks: { database: 'down', temporal: 'up' } },
  ]);
  expect((await app.inject('/health/live')).statusCode).toBe(200);
});
