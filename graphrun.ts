export { defineGraph } from './graph/define-graph.ts';
export { CodedError, RetryLater } from './graph/errors.ts';
export { defineJobKind } from './jobs/define-job-kind.ts';
