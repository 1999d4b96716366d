import type { AnyJobKind } from './define-job-kind.ts';

/** Job kinds of your own (docs/guide.md): workers and API have them once they are started again. */
export const ownKinds: readonly AnyJobKind[] = [];
