// Looks from another thread into a main thread that does not answer any more.
import type { Debugger } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { setTimeout as pause } from 'node:timers/promises';

export interface PausedThread {
  /** The attempt whose code runs there; null where it is nobody's. */
  readonly attempt: number | null;
  readonly stack: string;
  resume(): void;
}

/** Where the main thread has its AsyncLocalStorage of the attempt whose code runs, by key. */
export const attemptStorage = 'graphrun.attempt';

const expression = `globalThis[Symbol.for('${attemptStorage}')]?.getStore()`;
const framesMax = 20;
const frameCharsMax = 180;

/**
 * Pauses the main thread wherever its JavaScript is, in a loop or in a regular expression, and reads whose it is.
 * Resolves with null when it does not get there in time: native code cannot be paused.
 */
export async function pauseMainThread(withinMs: number): Promise<PausedThread | null> {
  const session = new Session();
  session.connectToMainThread();
  const paused = await Promise.race([readPaused(session), pause(withinMs, null, { ref: false })]).catch(
    () => null,
  );
  if (paused === null) session.disconnect();
  return paused;
}

async function readPaused(session: Session): Promise<PausedThread> {
  const urls = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  const pausing = new Promise<readonly Debugger.CallFrame[]>((resolve) => {
    session.once('Debugger.paused', ({ params }) => resolve(params.callFrames));
  });
  await session.post('Debugger.enable');
  // Answered at once or after the pause, as it comes.
  session.post('Debugger.pause').catch(() => {});
  const frames = await pausing;
  // In the global scope, not in the frame's: names are missing in frames of Node's own code (seen). The context is the same.
  const { result } = await session.post('Runtime.evaluate', { expression });
  const attempt: unknown = result.value;
  return {
    attempt: typeof attempt === 'number' ? attempt : null,
    stack: frames
      .slice(0, framesMax)
      .map((frame) => describeFrame(frame, urls))
      .join('\n'),
    // What was paused goes on when nobody debugs it any more.
    resume: () => session.disconnect(),
  };
}

function describeFrame(frame: Debugger.CallFrame, urls: ReadonlyMap<string, string>): string {
  const { scriptId, lineNumber, columnNumber = 0 } = frame.location;
  const place = `${urls.get(scriptId) ?? 'unknown'}:${lineNumber + 1}:${columnNumber + 1}`;
  return `    at ${frame.functionName || '<anonymous>'} (${place})`.slice(0, frameCharsMax).toWellFormed();
}
