export { defineGraph } from './graph/define-graph.ts';
export { defineJobKind } from './jobs/define-job-kind.ts';
