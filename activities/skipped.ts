/** What `runJob` resolves with, in place of an output, where the job's condition was false. Never leaves the process. */
export const skipped: unique symbol = Symbol('skipped');
