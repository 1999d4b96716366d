import type { Granted } from '../store/index.ts';
import type { Starter } from './starter.ts';

/**
 * Starts what a transaction of this process has let go on, at once. Where that fails nothing is lost: the watch finds it within
 * a turn or two.
 */
export function tellGranted(
  starter: Pick<Starter, 'startGraphRun'>,
  onError: (error: unknown) => void,
): (granted: Granted) => void {
  return ({ runs }) => {
    for (const run of runs) starter.startGraphRun(run).catch(onError);
  };
}
