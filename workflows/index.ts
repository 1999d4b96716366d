// All that the worker's workflow bundle exports: the names are the workflow types.
export { graphRun } from './graph-run.ts';
export { jobRun } from './job-run.ts';
