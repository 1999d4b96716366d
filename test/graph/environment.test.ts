import { expect, it } from 'vitest';
import { parseEnvironment } from '../../graph/environment.ts';

const DATABASE_URL = 'postgres://u:secret@localhost/d';

it('gives jobs half a minute to end when a worker stops, unless told', () => {
  expect(parseEnvironment({ DATABASE_URL }).workerShutdownGraceMs).toBe(30_000);
  expect(parseEnvironment({ DATABASE_URL, WORKER_SHUTDOWN_GRACE: '2m' }).workerShutdownGraceMs).toBe(120_000);
});

it('names each variable that is not valid and what was expected, and no value', () => {
  const parse = () => parseEnvironment({ WORKER_SHUTDOWN_GRACE: 'secret', TEMPORAL_ADDRESS: 'secret' });
  expect(parse).toThrow(
    'The environment is not complete: DATABASE_URL: is not set; Invalid input: expected string, received undefined; TEMPORAL_ADDRESS: expected host:port; WORKER_SHUTDOWN_GRACE: expected a duration such as 500ms, 10s, 5m, 6h or 2d',
  );
});
