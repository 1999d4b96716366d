import { defineSignal, setHandler } from '@temporalio/workflow';
import { runSignals } from './contract.ts';
import type { Flight } from './flight.ts';

/** Cancels single jobs of the run. One that is asked for twice is the same as once. */
export function hearJobCancels(flight: Pick<Flight, 'cancelJob'>): void {
  setHandler(
    defineSignal<[unknown]>(runSignals.cancelJob),
    (input) => {
      const named = typeof input === 'object' && input !== null && 'job' in input ? input.job : null;
      if (typeof named === 'string') flight.cancelJob(named);
    },
    { description: 'Of the API: tells one job of the run to stop, or ends it before it begins.' },
  );
}
