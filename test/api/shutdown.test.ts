import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { createKinds } from '../../jobs/index.ts';
import { fakeInspector, fakeStarter, useApi } from './test-api.ts';

const { store } = await useApi();

async function listen() {
  const app = await createApp({
    store,
    temporal: fakeStarter(),
    kinds: createKinds(),
    inspector: fakeInspector,
  });
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  return { app, port: Number(port) };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

const ask = 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a connection that never carried a request does not hold up the end', { timeout: 5_000 }, async () => {
  const { app, port } = await listen();
  const accepted = once(app.server, 'connection');
  const unused = await open(port);
  await accepted;
  const ended = once(unused, 'close');
  await app.close();
  await ended;
});

test('a request under way is answered, and its connection ends with the answer', {
  timeout: 5_000,
}, async () => {
  const { app, port } = await listen();
  const { ping } = store;
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  store.ping = async () => {
    asked.resolve();
    await goOn.promise;
  };
  try {
    const socket = await open(port);
    const text = socket.setEncoding('utf8').toArray();
    socket.write(ask);
    await asked.promise;
    const closed = app.close();
    setImmediate(goOn.resolve);
    expect((await text).join('')).toContain('HTTP/1.1 200 OK');
    await closed;
  } finally {
    store.ping = ping;
  }
});
