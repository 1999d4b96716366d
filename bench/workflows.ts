// The bundle of the benchmark's worker: Graphrun's own workflows, as they are, and the bare one beside them.
export * from '../workflows/index.ts';
export { bareGraph } from './overhead.ts';
