import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { createStore } from '../../store/index.ts';
import type { Leases } from '../../store/leases.ts';
import { type LeaseOptions, workOnLease } from '../../watch/lease.ts';
import { useDatabases } from '../support/databases.ts';
import { useSql } from '../support/sql.ts';
import { until } from '../support/until.ts';

const { databaseUrl } = await useDatabases();
const store = createStore({ databaseUrl });
const sql = await useSql(databaseUrl);
const running: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(running.map((work) => work.stop()));
  await store.close();
});

const times = { lastsMs: 600, renewMs: 150, askMs: 50 };

interface Worked {
  /** Of each tenure. */
  readonly signals: AbortSignal[];
  readonly errors: unknown[];
  stop(): Promise<void>;
}

/** Works without an end of its own until the lease is lost. */
function work(name: string, options: Partial<LeaseOptions> = {}): Worked {
  const signals: AbortSignal[] = [];
  const errors: unknown[] = [];
  const given = { leases: store.leases, name, holder: randomUUID(), times, ...options };
  const kept = workOnLease({ ...given, onError: (error) => errors.push(error) }, async (signal) => {
    signals.push(signal);
    await pause(2_147_483_647, undefined, { signal }).catch(() => {});
  });
  running.push(kept);
  return { signals, errors, ...kept };
}

const begun = (worked: Worked, tenures = 1) =>
  until(() => worked.signals[tenures - 1], `tenure ${tenures} begins`, 5_000);
const ended = (signal: AbortSignal) => until(() => signal.aborted || undefined, 'the tenure ends', 5_000);

it('is kept by one, however long the work takes, and is free at once after a stop', async () => {
  const first = work('long');
  const signal = await begun(first);
  const second = work('long');
  const startedAt = performance.now();
  await until(
    () => performance.now() - startedAt > 3 * times.lastsMs || undefined,
    'the lease would be over',
  );
  expect([signal.aborted, second.signals]).toEqual([false, []]);
  const stoppedAt = performance.now();
  await first.stop();
  expect(signal.aborted).toBe(true);
  await begun(second);
  expect(performance.now() - stoppedAt).toBeLessThan(times.lastsMs);
});

it('is taken over from a holder that died, once it has run out', async () => {
  expect(await store.leases.hold('dead', 'a process that died', 500)).toBe(true);
  const diedAt = performance.now();
  await begun(work('dead'));
  expect(performance.now() - diedAt).toBeGreaterThan(400);
});

it('ends the work of one that lost it, which begins anew once it is free again', async () => {
  const worked = work('stolen');
  const signal = await begun(worked);
  await sql.query(
    `UPDATE lease SET holder = 'a thief', expires_at = now() + interval '1 second' WHERE name = 'stolen'`,
  );
  await ended(signal);
  expect(worked.signals).toHaveLength(1);
  expect((await begun(worked, 2)).aborted).toBe(false);
});

it('is given up in time while Postgres does not answer', async () => {
  let isAway = false;
  const leases: Leases = {
    ...store.leases,
    hold: async (name, holder, forMs) => {
      if (isAway) await new Promise(() => {});
      return store.leases.hold(name, holder, forMs);
    },
    release: store.leases.release,
  };
  const signals: AbortSignal[] = [];
  workOnLease({ leases, name: 'away', holder: 'x', times, onError: () => {} }, async (signal) => {
    signals.push(signal);
  });
  const signal = await until(() => signals[0], 'the tenure begins');
  isAway = true;
  await ended(signal);
});

it('does not begin anew before the work of the tenure before has ended', async () => {
  const signals: AbortSignal[] = [];
  let finish = (): void => {};
  const slow = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const kept = workOnLease(
    { leases: store.leases, name: 'slow', holder: 'a slow one', times, onError: () => {} },
    async (signal) => {
      if (signals.push(signal) === 1) await slow;
    },
  );
  running.push(kept);
  await ended(
    await until(async () => {
      await sql.query(
        `UPDATE lease SET holder = 'a thief', expires_at = now() + interval '300 ms' WHERE name = 'slow'`,
      );
      return signals[0];
    }, 'it works'),
  );
  await until(async () => {
    const [lease] = await sql.query(`SELECT holder FROM lease WHERE name = 'slow'`);
    return lease?.holder === 'a slow one' || undefined;
  }, 'it has the lease again');
  expect(signals).toHaveLength(1);
  finish();
  await until(() => signals[1], 'it works again');
});

it('tells of errors, and goes on', async () => {
  const worked = work('errors', { onRenewed: () => Promise.reject(new Error('not this time')) });
  await begun(worked);
  await until(() => worked.errors.length > 1 || undefined, 'it has renewed twice');
  expect(worked.signals[0]?.aborted).toBe(false);
});
