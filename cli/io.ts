import type { Writable } from 'node:stream';

/** Where output goes; what a terminal can do beyond a file. */
export interface Out extends Writable {
  readonly isTTY?: boolean | undefined;
  readonly rows?: number | undefined;
  readonly columns?: number | undefined;
  hasColors?(): boolean;
}

/** What a command has of the outside; tests hand in their own. */
export interface Io {
  /** Data. */
  readonly stdout: Out;
  /** All the rest. */
  readonly stderr: Out;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Of this program: the home of its local stack is there. */
  readonly packageDir: string;
  /** Aborts at Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export function useColor(out: Out): boolean {
  return out.isTTY === true && (out.hasColors?.() ?? false);
}
