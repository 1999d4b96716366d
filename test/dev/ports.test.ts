import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { choosePorts } from '../../dev/ports.ts';

test('a port in use gives way to the next free one, and that is told', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  const taken: unknown[] = [];
  try {
    const wanted = { api: address.port, temporal: 0, temporalUi: 0, postgres: 0 };
    const ports = await choosePorts(wanted, (...told) => taken.push(told));
    expect(ports.api).toBeGreaterThan(address.port);
    expect(taken).toEqual([['api', address.port, ports.api]]);
  } finally {
    server.close();
  }
});

test('0 asks for any free port, that no outgoing connection is given; all are different', async () => {
  const ports = await choosePorts({ api: 0, temporal: 0, temporalUi: 0, postgres: 0 });
  expect(new Set(Object.values(ports)).size).toBe(4);
  for (const port of Object.values(ports)) {
    expect(port).toBeGreaterThan(1023);
    expect(port).toBeLessThan(32_768);
  }
});
