import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { createTemporalView } from '../../watch/temporal-view.ts';

/** After so long Temporal asks another worker than the one that had the schedule last. */
const askedElsewhereMs = 5_000;

it('a question for a schedule is waited for longer than Temporal takes to ask elsewhere', async () => {
  const waits: number[] = [];
  const stub = {
    options: { namespace: 'default' },
    workflowService: {
      describeSchedule: async () => ({ schedule: {}, info: {} }),
      listSchedules: async () => ({ schedules: [] }),
    },
    withDeadline: (deadline: number, call: () => Promise<unknown>) => {
      waits.push(deadline - Date.now());
      return call();
    },
  };
  const { schedules } = createTemporalView(stub as unknown as Client);
  await schedules.describe('a');
  expect(waits).toHaveLength(1);
  expect(waits[0]).toBeGreaterThan(askedElsewhereMs + 2_000);
});
