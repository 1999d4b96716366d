import { connect, createServer, type Socket } from 'node:net';
import { afterAll } from 'vitest';

export interface TcpProxy {
  /** The target's URL, by way of the proxy. */
  readonly url: string;
  /** Ends all connections, and every new one at once, until `restore`. */
  cut(): void;
  restore(): void;
  /** The next bytes that hold this text still reach the target; then the connection ends, without their answer. */
  loseAnswerTo(text: string): void;
  /**
   * The connection of the next bytes that hold this text stands still from there on, in both ways; those bytes still reach
   * the target when they are `sent`. Resolves once it is so far.
   */
  holdAt(text: string, options: { readonly sent: boolean }): Promise<void>;
}

interface Hold {
  readonly text: string;
  readonly sent: boolean;
  reached(): void;
}

/** Stands between a client and a server, to part them; closed after the file's last test. */
export async function useTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  let lostText: string | undefined;
  let hold: Hold | undefined;

  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.end();
      });
    }
    let isHeld = false;
    far.on('data', (bytes) => {
      if (!isHeld) near.write(bytes);
    });
    near.on('data', (bytes) => {
      if (isHeld) return false;
      if (hold && bytes.includes(hold.text)) {
        const { sent, reached } = hold;
        isHeld = true;
        hold = undefined;
        if (sent) far.write(bytes);
        return reached();
      }
      if (lostText === undefined || !bytes.includes(lostText)) return far.write(bytes);
      lostText = undefined;
      far.end(bytes);
      return near.destroy();
    });
    return near;
  });
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  afterAll(() => {
    cut();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const url = new URL(targetUrl);
  url.host = `127.0.0.1:${address.port}`;
  return {
    url: url.toString(),
    cut,
    restore: () => {
      isCut = false;
    },
    loseAnswerTo: (text) => {
      lostText = text;
    },
    holdAt: (text, { sent }) =>
      new Promise((resolve) => {
        hold = { text, sent, reached: resolve };
      }),
  };
}
