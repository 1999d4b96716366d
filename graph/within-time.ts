import { createContext, Script } from 'node:vm';

const call = new Script('work()');
const place: { work?: () => void } = createContext({});

/**
 * Does pure work that its input may make endless, such as a regular expression over a text made for it. The thread is
 * stopped in it.
 * @throws Error with the code ERR_SCRIPT_EXECUTION_TIMEOUT, and what `work` throws
 */
export function withinTime<Result>(timeoutMs: number, work: () => Result): Result {
  let done: { readonly result: Result } | undefined;
  place.work = () => {
    done = { result: work() };
  };
  try {
    call.runInContext(place, { timeout: timeoutMs });
  } finally {
    delete place.work;
  }
  if (!done) throw new Error('the work has not been done');
  return done.result;
}

/** The error may be of another realm, and no instance of this one's `Error`. */
export function isOutOfTime(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  );
}
