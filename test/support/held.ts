import { z } from 'zod';
import { defineJobKind } from '../../jobs/define-job-kind.ts';

/** The job kind `held`: works until the test lets it go, or until it is told to stop. */
export function createHeld() {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gateOf = (name: string): PromiseWithResolvers<void> => {
    const gate = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, gate);
    return gate;
  };
  const kind = defineJobKind({
    kind: 'held',
    config: z.strictObject({ gate: z.string() }),
    output: z.null(),
    writesWarehouse: false,
    inputs: () => [],
    outputs: () => [],
    run: async (ctx, { gate }) => {
      const stopped = Promise.withResolvers<never>();
      const stop = () => stopped.reject(ctx.signal.reason);
      ctx.signal.addEventListener('abort', stop);
      await Promise.race([gateOf(gate).promise, stopped.promise]);
      return null;
    },
  });
  return { kind, letGo: (gate: string) => gateOf(gate).resolve() };
}
