import type { Socket } from 'node:net';
import { CodedError } from '../../graph/errors.ts';
import type { Api } from '../dependencies.ts';

/** A connection without a request may have one on its way. */
const graceMs = 100;

/**
 * While the server stops, requests under way end as usual and new ones are told to come again. Connections without a
 * request end after a moment, the others with their answer: Node itself waits, for minutes, for those that were opened
 * and never used, and for those whose last answer let them stay open.
 */
export function refuseWhileStopping(app: Api): void {
  let stopping = false;
  const requestsOn = new Map<Socket, number>();
  app.server.on('connection', (socket) => {
    requestsOn.set(socket, 0);
    socket.once('close', () => requestsOn.delete(socket));
  });
  app.server.on('request', ({ socket }, response) => {
    requestsOn.set(socket, (requestsOn.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (requestsOn.get(socket) ?? 1) - 1;
      if (!socket.destroyed) requestsOn.set(socket, left);
      if (stopping && left === 0) socket.destroySoon();
    });
  });
  app.addHook('preClose', async () => {
    stopping = true;
    setTimeout(() => {
      for (const [socket, requests] of requestsOn) if (requests === 0) socket.destroy();
    }, graceMs).unref();
  });
  app.addHook('onRequest', async () => {
    if (stopping)
      throw new CodedError('SHUTTING_DOWN', 'The server is stopping; try again in a few seconds.');
  });
}
