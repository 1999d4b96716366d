/**
 * How Node runs a worker. Unless told, each of its isolates (its own, those of workflows) may keep hundreds of MiB of garbage on a
 * large machine before it is looked at; so a worker takes half of that, in hardly more time. The second is the bound of
 * each heap, in MiB: more for jobs that hold much in memory.
 */
export const workerNodeFlags = ['--max-semi-space-size=4', '--max-old-space-size=1024'] as const;
