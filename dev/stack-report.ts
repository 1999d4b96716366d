/** Where the stack tells what it does. Each line begins with the name of a service or step. */
export interface StackReport {
  /** A step is done: `did` ("ready", "migrated") after `ms`; `detail` says where or what. */
  step(name: string, did: string, ms: number, detail?: string): void;
  /** Something worth to know: a port was taken, a service ended. */
  note(name: string, text: string): void;
  /** How far a slow step is; replaces what it said before. */
  progress(name: string, text: string): void;
}

export const silentReport: StackReport = { step: () => {}, note: () => {}, progress: () => {} };

/** Runs a step; gives its value and how long it took. */
export async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now();
  const value = await run();
  return { value, ms: performance.now() - begun };
}
