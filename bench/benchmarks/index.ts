import type { Benchmark } from '../benchmark.ts';
import { jobStates } from './job-states.ts';
import { large } from './large.ts';
import { memory } from './memory.ts';
import { outside } from './outside.ts';
import { overhead } from './overhead.ts';
import { schedules } from './schedules.ts';

export const benchmarks: readonly Benchmark[] = [overhead, outside, memory, large, jobStates, schedules];
