import { expect, it } from 'vitest';
import type { Sifted } from '../../store/watching.ts';
import { isOfInterest } from '../../watch/sift.ts';

const unknown: Sifted = { task: null, hasRun: false, hasTasks: false };
const unopened: Sifted = { task: null, hasRun: true, hasTasks: false };
const opened: Sifted = { task: null, hasRun: true, hasTasks: true };
const carriesOut: Sifted = { task: 'open', hasRun: true, hasTasks: true };
const closed: Sifted = { ...carriesOut, task: 'closed' };
const ours = 'graph-run/01a20efe-0838-7210-9b73-408188bd2235/1';

it.each([
  ['that carries out a run and is open', 'RUNNING', carriesOut, 'outside-1', 'ours', false],
  ['that carried out a run until it closed', 'TERMINATED', carriesOut, 'outside-1', 'ours', true],
  ['whose end is in the rows', 'COMPLETED', closed, 'outside-1', 'ours', false],
  ['that waits for a worker', 'RUNNING', unopened, ours, 'ours', false],
  ['that closed before a worker came', 'TERMINATED', unopened, ours, 'other', true],
  ['beside one that carries out its run', 'RUNNING', opened, ours, 'ours', true],
  ['that was started outside', 'RUNNING', unknown, 'outside-1', 'ours', true],
  ['that was started outside and closed', 'TERMINATED', unknown, 'outside-1', 'ours', true],
  ['of another task queue', 'RUNNING', unknown, 'outside-1', 'other', false],
  ['of another installation', 'RUNNING', unknown, ours, 'ours', false],
] as const)(
  'an execution %s (%s) is followed only if rows may differ',
  (_, status, known, workflowId, taskQueue, is) => {
    const execution = { workflowId, runId: 'r', taskQueue, status, at: new Date() };
    expect(isOfInterest(execution, known, 'ours')).toBe(is);
  },
);
