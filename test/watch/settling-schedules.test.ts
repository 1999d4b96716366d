// Whatever is done to a schedule here and there, by however many at once: in the end both have the same.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ScheduleToPush } from '../../store/schedule-pushes.ts';
import { pushOne } from '../../watch/schedules/push-schedules.ts';
import { useEngine } from '../support/engine.ts';
import { createScheduling } from '../support/scheduling.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const engine = await useEngine([], undefined, { isIdle: true });
const { store, client, taskQueue, temporal, databaseUrl } = engine;
const sql = await useSql(databaseUrl);
const actor = 'test';
const project = `settling-${taskQueue.slice(-8)}`;
await engine.push({ project, jobs: { a: { kind: 'upload', config: { file: 'a.csv' } } } });
const { look, starter } = createScheduling(engine, project);
let made = 0;

const acts = ['change', 'pause', 'unpause', 'push', 'lose', 'late', 'look', 'update', 'toggle'] as const;
type Act = (typeof acts)[number];

/** One schedule, and one who holds a claim of it that is lost. */
function play(name: string) {
  const handle = client.schedule.getHandle(`${project}/${name}`);
  const idOf = async () => (await store.schedules.idOf(project, name)) ?? '';
  let late: ScheduleToPush | null = null;
  let count = 0;
  const pause = (paused: boolean) =>
    store.schedules.pause({ project, name, paused, note: `here ${count}`, actor });
  const change = () =>
    store.schedules.change({ project, name, written: { cron: `${count % 60} 9 * * *` }, actor });
  const does: Readonly<Record<Act, () => Promise<unknown>>> = {
    change,
    pause: () => pause(true),
    unpause: () => pause(false),
    push: async () => pushOne({ store, starter }, await idOf()),
    // A claim that another one takes, who tells of a newer change.
    lose: async () => {
      await change();
      late = (await store.schedules.claim(await idOf())) ?? late;
      await sql.query('UPDATE schedule SET push_after = NULL');
      count += 1;
      await change();
      await pushOne({ store, starter }, await idOf());
    },
    late: async () => {
      const push = late && (await starter.pushSchedule(late));
      if (late && push?.outcome === 'put') await store.schedules.pushed(late, push.pushed);
      late = null;
    },
    look,
    update: () =>
      handle.update(({ spec, ...rest }) => ({
        ...rest,
        spec: { ...spec, calendars: [], intervals: [{ every: `${count + 1}h` }] },
      })),
    toggle: () => (count % 2 === 0 ? handle.pause(`there ${count}`) : handle.unpause(`there ${count}`)),
  };
  return async (act: Act): Promise<void> => {
    count += 1;
    await does[act]();
  };
}

it('is the same in both, and stays so', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom(...acts), { minLength: 4, maxLength: 14 }),
    async (list) => {
      made += 1;
      const name = `s${made}`;
      const written = { cron: '0 9 * * *', timezone: 'UTC' };
      await store.schedules.create({ project, name, written, paused: true, note: null, actor });
      const take = play(name);
      await take('push');
      for (const act of list) await take(act);
      await until(async () => {
        await take('look');
        await take('push');
        const { isApplied } = await store.schedules.get({ project, name });
        return isApplied ? true : undefined;
      }, `${name} is told`);
      await take('look');

      const view = await temporal.schedules.describe(`${project}/${name}`);
      const row = (await store.schedules.mirrored()).find((each) => each.name === name);
      const { seen, paused, note } = view ?? {};
      expect(row).toMatchObject({ seen, paused, note: note || null });
      const { form, definition, isApplied } = await store.schedules.get({ project, name });
      expect(isApplied).toBe(true);
      const [calendar] =
        (await client.schedule.getHandle(`${project}/${name}`).describe()).spec.calendars ?? [];
      if (form === 'plain') expect(calendar?.comment).toBe(definition.cron);
      else expect([form, calendar]).toEqual(['temporal', undefined]);
      await store.schedules.remove({ project, name }, actor);
      await take('push').catch(() => {});
    },
  );
  await fc.assert(property, {
    numRuns: 15,
    examples: [[['lose', 'late']], [['update', 'change', 'late', 'toggle']]],
  });
}, 120_000);
