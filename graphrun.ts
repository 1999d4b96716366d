export { defineGraph } from './graph/define-graph.ts';
export { RetryLater } from './graph/errors.ts';
export { defineJobKind } from './jobs/define-job-kind.ts';
