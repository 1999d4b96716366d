// Against the server's own reading of a schedule: `ListScheduleMatchingTimes`.
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { agrees, type TimeWindow, windowsToCompare } from '../../graph/schedules/agreement.ts';
import { plainSpec, type TemporalSpec, utcSpec } from '../../graph/schedules/temporal-spec.ts';
import type { Timing } from '../../graph/schedules/timing.ts';
import { toSpecProto } from '../../watch/schedules/spec-proto.ts';
import { timingOf } from '../graph/schedules/timings.ts';

const connection = await Connection.connect({ address: inject('temporalAddress') });
const { workflowService, options } = new Client({ connection });
const { namespace } = options;
const made: string[] = [];
const now = Date.parse('2026-11-25T12:00:00Z');

afterAll(async () => {
  await Promise.all(
    made.map((scheduleId) => workflowService.deleteSchedule({ namespace, scheduleId, identity: 'test' })),
  );
  await connection.close();
});

/** Paused. */
async function createSchedule(spec: TemporalSpec): Promise<string> {
  const scheduleId = `test-${randomUUID()}`;
  await workflowService.createSchedule({
    namespace,
    scheduleId,
    requestId: scheduleId,
    schedule: {
      spec: toSpecProto(spec),
      state: { paused: true },
      action: {
        startWorkflow: {
          workflowId: scheduleId,
          workflowType: { name: 'none' },
          taskQueue: { name: scheduleId },
        },
      },
    },
  });
  made.push(scheduleId);
  return scheduleId;
}

async function listTimes(scheduleId: string, { after, until }: TimeWindow): Promise<number[]> {
  const { startTime } = await workflowService.listScheduleMatchingTimes({
    namespace,
    scheduleId,
    startTime: msNumberToTs(after),
    endTime: msNumberToTs(until),
  });
  return (startTime ?? []).map((time) => tsToMs(time));
}

async function isRead(timing: Timing, spec: TemporalSpec): Promise<boolean> {
  const scheduleId = await createSchedule(spec);
  for (const window of windowsToCompare(timing, now)) {
    if (!agrees(window, await listTimes(scheduleId, window), timing.jitterMs)) return false;
  }
  return true;
}

const weekdays = {
  cron: '0 9 * * mon-fri',
  exclude: { dates: ['2026-12-25'], calendars: [{ dayOfMonth: 1 }] },
};

describe('the server reads as we do', () => {
  it.each([
    [{ cron: '30 2 * * *' }, 'UTC'],
    [{ cron: '0 9 * * *' }, 'Asia/Kolkata'],
    [{ cron: '0 9 * * *' }, 'Europe/Berlin'],
    [weekdays, 'America/New_York'],
    [{ cron: ['@monthly', '0 12 29 2 *', '15 6 31 * *'] }, 'Europe/London'],
    [{ cron: '0 12 * * fri#2' }, 'Europe/Berlin'],
    [{ cron: '*/7 * * * *' }, 'Asia/Tokyo'],
    [{ cron: '@daily', jitter: '2h' }, 'Asia/Tokyo'],
    [{ interval: { every: '6h', offset: '90m' }, cron: '@every 7h' }, 'Europe/Berlin'],
    [
      {
        interval: { every: '1h' },
        exclude: { calendars: [{ dayOfWeek: 'sat,sun' }], dates: ['2027-03-28'] },
      },
      'Europe/Berlin',
    ],
    [{ cron: '@hourly', startAt: '2027-06-01T00:00:00Z', endAt: '2027-06-02T00:00:00Z' }, 'Asia/Tokyo'],
  ])('%j in %s, as it is written', async (written, zone) => {
    const timing = timingOf(written, zone);
    expect(await isRead(timing, plainSpec(timing))).toBe(true);
  });
});

describe('the server reads otherwise', () => {
  it.each([
    [{ cron: '30 2 * * *' }, 'Europe/Berlin'],
    [{ cron: '30 2 * * *', dst: { gap: 'skip', overlap: 'both' } }, 'Europe/Berlin'],
    [{ cron: '30 1 * * *' }, 'Europe/Berlin'],
    [{ cron: '30 1 * * *', dst: { overlap: 'last' } }, 'America/New_York'],
    [{ cron: '0 * * * *' }, 'Europe/London'],
    [{ cron: '*/20 * * * *', jitter: '10s' }, 'Australia/Sydney'],
    [{ cron: '@daily' }, 'Africa/Cairo'],
    [{ cron: '45 1 * * *' }, 'Australia/Lord_Howe'],
    [{ cron: '30 2 * * mon-sun', exclude: { dates: ['2027-10-31'] } }, 'Europe/Berlin'],
    [{ cron: ['30 2 * * *', '@every 7h'] }, 'Europe/Berlin'],
  ])('%j in %s as it is written, and as we do in UTC', async (written, zone) => {
    const timing = timingOf(written, zone);
    expect(await isRead(timing, plainSpec(timing))).toBe(false);
    expect(await isRead(timing, utcSpec(timing, now))).toBe(true);
  });

  it('but not what is wanted to fire at both times in New York', async () => {
    const timing = timingOf({ cron: '30 1 * * *', dst: { overlap: 'both' } }, 'America/New_York');
    expect(await isRead(timing, plainSpec(timing))).toBe(true);
  });
});
