import fc from 'fast-check';
import type { Plan } from '../../graph/plan.ts';
import { defaultRetry, type RunIf, runIfRules } from '../../graph/rules.ts';

/** Random plans of up to 30 jobs, each job with any parents among those before it; some are passed through. */
export function randomPlan(
  options: { readonly runIf?: RunIf; readonly passing?: boolean } = {},
): fc.Arbitrary<Plan> {
  const job = fc.record({
    parents: fc.array(fc.nat(1_000), { maxLength: 5 }),
    runIf: options.runIf ? fc.constant(options.runIf) : fc.constantFrom(...runIfRules),
    allowFailure: fc.boolean(),
    passing: options.passing ? fc.boolean() : fc.constant(false),
  });
  return fc.array(job, { minLength: 1, maxLength: 30 }).map((jobs) => ({
    keys: jobs.map((_, index) => `j${index}`),
    parents: jobs.map(({ parents }, index) => [
      ...new Set(index === 0 ? [] : parents.map((parent) => parent % index)),
    ]),
    rules: jobs.map(({ runIf, allowFailure }) => ({
      kind: 'noop',
      runIf,
      allowFailure,
      timeoutMs: 1_000,
      retry: defaultRetry,
    })),
    ruleOf: jobs.map((_, index) => index),
    // A job that is passed through stands below a selected one, so never at the top.
    passing: jobs.flatMap(({ passing, parents }, index) =>
      passing && index > 0 && parents.length > 0 ? [index] : [],
    ),
  }));
}
