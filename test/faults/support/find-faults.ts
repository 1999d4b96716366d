// What is wrong with rows and effects, in words; empty where all is as it must be.
import { qualify } from '../../../warehouse/names.ts';
import type { FaultStack } from './fault-stack.ts';
import type { JournalEntry } from './latches.ts';
import type { JobFacts } from './run-facts.ts';

/** Jobs that began before a parent had ended, or after their run had. */
export function findDisorder(facts: readonly JobFacts[], journal: readonly JournalEntry[]): string[] {
  const byKey = new Map(facts.map((job) => [`${job.graphRunId}/${job.job}`, job]));
  const early = facts.flatMap((job) => {
    const began = Math.min(...job.attemptRows.filter(({ epoch }) => epoch === job.epoch).map(startOf));
    return job.dependsOn
      .map((key) => byKey.get(`${job.graphRunId}/${key}`))
      .filter((parent) => parent !== undefined && (parent.completedAt ?? Number.POSITIVE_INFINITY) > began)
      .map((parent) => `${nameOf(job)} began before ${parent?.job} had ended`);
  });
  const late = journal.flatMap(({ event, graphRunId, job, attempt, at }) => {
    const runEnd = byKey.get(`${graphRunId}/${job}`)?.runCompletedAt ?? null;
    return event === 'begun' && runEnd !== null && at > runEnd
      ? [`attempt ${attempt} of ${job} began ${at - runEnd} ms after the end of its run`]
      : [];
  });
  return [...early, ...late];
}

/** Rows that do not agree with their attempts. */
export function findAttemptFaults(facts: readonly JobFacts[]): string[] {
  return facts.flatMap((job) => {
    const { attemptRows: rows } = job;
    const succeeded = rows.filter(({ state, epoch }) => state === 'SUCCESS' && epoch === job.epoch).length;
    const found: string[] = [];
    if (rows.some(({ number }, index) => number !== index + 1) || rows.length !== job.attempts) {
      found.push(`has attempts ${rows.map(({ number }) => number)}, and counts ${job.attempts}`);
    }
    if (succeeded > 1) found.push(`succeeded ${succeeded} times`);
    if (succeeded === 1 && job.state !== 'SUCCESS') found.push(`succeeded, and is ${job.state}`);
    return found.map((what) => `${nameOf(job)} ${what}`);
  });
}

/** Effects of `count` jobs that are missing, or there twice, or there though the job failed. */
export async function findEffectFaults(stack: FaultStack, facts: readonly JobFacts[]): Promise<string[]> {
  const counting = facts.filter(({ kind }) => kind === 'count');
  const tables = new Map(counting.map((job) => [`${job.project}/${job.job}`, job]));
  const found: string[] = [];
  for (const [name, { project, job }] of tables) {
    const rows = await readEffects(stack, project, job);
    const effects = new Set(rows.map(({ effect }) => effect));
    if (effects.size !== rows.length || rows.some(({ n }, index) => n !== index + 1)) {
      found.push(`${name} holds ${JSON.stringify(rows)}`);
    }
    for (const row of counting.filter((each) => each.project === project && each.job === job)) {
      const isThere = effects.has(`${row.graphRunId}/${row.job}/${row.epoch}`);
      if (isThere !== (row.state === 'SUCCESS' && !stack.given.has(row.id))) {
        found.push(`${nameOf(row)} is ${row.state}, and its effect is ${isThere ? 'there' : 'missing'}`);
      }
    }
  }
  return found;
}

/** Gaps in the feed, and runs and jobs whose last event is not what their row says. */
export async function findFeedFaults(stack: FaultStack, facts: readonly JobFacts[]): Promise<string[]> {
  const gaps = await stack.sql<{ count: number; last: number }>(
    `SELECT count(*)::int AS count, (SELECT last FROM event_counter)::int AS last
     FROM event HAVING count(*) <> (SELECT last FROM event_counter) OR min(number) <> 1 OR max(number) <> count(*)`,
  );
  const stale = await stack.sql<{ subject: string; row: string; event: string }>(
    `WITH subject AS (
       SELECT id, state, reason, epoch FROM graph_run WHERE id = ANY ($1)
       UNION ALL SELECT id, state, reason, epoch FROM job_run WHERE id = ANY ($2))
     SELECT s.id AS subject, s.state || '/' || coalesce(s.reason, '') AS row, e.state || '/' || coalesce(e.reason, '') AS event
     FROM subject s LEFT JOIN LATERAL (
       SELECT state, reason FROM event e
       WHERE coalesce(e.job_run_id, e.graph_run_id) = s.id ORDER BY number DESC LIMIT 1) e ON true
     WHERE (s.state, s.reason) IS DISTINCT FROM (e.state, e.reason)`,
    [stack.runs, facts.map(({ id }) => id)],
  );
  return [
    ...gaps.map(({ count, last }) => `the feed holds ${count} events up to number ${last}`),
    ...stale.map(({ subject, row, event }) => `${subject} is ${row}, and its last event says ${event}`),
  ];
}

/** The rows that `count` jobs of this key have made. */
export async function readEffects(stack: FaultStack, project: string, job: string) {
  const table = qualify(project.replaceAll('-', '_'), job);
  const [found] = await stack.warehouseSql<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [
    table,
  ]);
  if (!found?.is) return [];
  return stack.warehouseSql<{ effect: string; n: number }>(`SELECT effect, n::int FROM ${table} ORDER BY n`);
}

function startOf({ startedAt }: { readonly startedAt: number }): number {
  return startedAt;
}

function nameOf({ project, job, graphRunId }: JobFacts): string {
  return `${project}/${job} of ${graphRunId}`;
}
