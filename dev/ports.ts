import { randomInt } from 'node:crypto';
import getPort, { portNumbers } from 'get-port';

export const defaultPorts = { api: 4400, temporal: 7233, temporalUi: 8233, postgres: 5544 } as const;

export type PortName = keyof typeof defaultPorts;
export type Ports = Readonly<Record<PortName, number>>;

const searchWidth = 200;

/**
 * Below those that systems give to connections that go out (from 32768 on Linux, 49152 elsewhere): a server that starts again
 * on its port must not find it taken by one of these.
 */
const anyPort = { from: 10_240, to: 32_767 };
const anyPortTries = 100;

/**
 * Finds a free port for each name: the wanted one, or the next free one above it. 0 asks for any free port.
 * `onTaken` hears of each wanted port that was in use.
 */
export async function choosePorts(
  wanted: Ports,
  onTaken: (name: PortName, wantedPort: number, usedPort: number) => void = () => {},
): Promise<Ports> {
  const chosen = { ...wanted };
  for (const name of ['api', 'temporal', 'temporalUi', 'postgres'] as const) {
    const port = await choosePort(wanted[name]);
    if (wanted[name] !== 0 && port !== wanted[name]) onTaken(name, wanted[name], port);
    chosen[name] = port;
  }
  return chosen;
}

async function choosePort(wanted: number): Promise<number> {
  if (wanted === 0) return await getPort({ port: somePorts() });
  return await getPort({ port: portNumbers(wanted, Math.min(wanted + searchWidth, 65_535)) });
}

function somePorts(): number[] {
  return Array.from({ length: anyPortTries }, () => randomInt(anyPort.from, anyPort.to + 1));
}
