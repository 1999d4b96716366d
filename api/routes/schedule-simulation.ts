import { z } from 'zod';
import { CodedError } from '../../graph/errors.ts';
import { limits } from '../../graph/limits.ts';
import { readSchedule } from '../../graph/schedules/read-schedule.ts';
import { simulate } from '../../graph/schedules/simulate.ts';
import { type ScheduleSimulation, scheduleSimulationSchema } from '../../graph/schedules/simulations.ts';
import type { Api, Dependencies } from '../dependencies.ts';
import { schedulePath } from '../request-schemas.ts';

const daysDefault = 400;

/** /projects/:project/schedules/:name/simulation */
export function scheduleSimulationRoutes(app: Api, { store }: Dependencies): void {
  app.get(
    '/projects/:project/schedules/:name/simulation',
    {
      config: { permission: 'read' },
      schema: {
        tags: ['schedules'],
        summary: 'Tells what a schedule would do in the days to come',
        description:
          'Its times, paused or not, what changes of the clock do to them, and which would meet an earlier run of the schedule, ' +
          'as long as its runs took so far. Nothing is run.',
        params: schedulePath,
        querystring: z.strictObject({
          days: z.coerce.number().int().min(1).max(limits.simulatedDays).default(daysDefault),
        }),
        response: { 200: scheduleSimulationSchema },
      },
    },
    async ({ params, query: { days } }) => {
      const view = await store.schedules.get(params);
      const { made, durations } = await store.pastRuns.ofSchedule(params);
      const now = Date.now();
      const read = readSchedule(view.definition, { timezone: view.timezone, now });
      if (!read.ok) throw unreadable(params);
      const { timing, policies, definition } = read;
      const skipAt = view.skipAt === null ? null : Date.parse(view.skipAt);
      const runsMax = Math.max(0, (definition.limit ?? Number.POSITIVE_INFINITY) - made);
      const schedule = { timing, skipAt, runsMax, durations, overlap: policies.overlap };
      const { from, until, clockEffects, ...simulated } = simulate(schedule, now, days);
      return {
        ...simulated,
        timezone: timing.timezone,
        ...{ from: show(from), until: show(until) },
        runs: Math.min(simulated.times, runsMax),
        clockEffects: clockEffects.map(({ at, ...rest }) => ({ ...rest, at: at.map(show) })),
        overlap: policies.overlap,
        durations,
      } satisfies ScheduleSimulation;
    },
  );
}

function unreadable({ project, name }: { readonly project: string; readonly name: string }): CodedError {
  const message = `Schedule "${name}" of project "${project}" stands in Temporal in its own words, which Temporal alone reads: its preview asks it for the next times. Change it here to give it times of its own.`;
  return new CodedError('SCHEDULE_UNREADABLE', message);
}

function show(at: number): string {
  return new Date(at).toISOString();
}
