import { expect, test } from 'vitest';
import type { Explanation, Verification, VerifiedRun } from '../../client/index.ts';
import { CodedError } from '../../graph/errors.ts';
import type { RunListFilter } from '../../store/store.ts';
import type { Inspector } from '../../watch/inspector.ts';
import { useCli } from './use-cli.ts';

const graphRunId = '0198c5a2-0000-7000-8000-000000000001';
const jobRunId = '0198c5a2-0000-7000-8000-000000000002';

const equal: Verification = { verdict: 'equal', why: null, differences: [], explained: [], events: 12 };
const different: Verification = {
  ...equal,
  verdict: 'different',
  differences: [
    { job: 'load', fact: 'state', row: 'SUCCESS', history: 'FAILED' },
    { job: null, fact: 'reason', row: null, history: 'job_failed' },
  ],
};
const unprovable: Verification = {
  ...equal,
  verdict: 'unprovable',
  why: 'no execution has opened the run yet',
};

function explainedBy(run: Partial<Explanation['run']>, more: Partial<Explanation> = {}): Explanation {
  return {
    run: {
      ...{ type: 'graph_run', id: graphRunId, project: 'flights', state: 'RUNNING', reason: null },
      message: 'It goes on.',
      ...run,
    },
    temporalAnswered: true,
    waiting: [],
    jobs: [],
    queues: [],
    ...more,
  };
}

/** What the server would find; each test says. */
const found: { verification: Verification; explanation: Explanation; runs: VerifiedRun[] } = {
  verification: equal,
  explanation: explainedBy({}),
  runs: [],
};
const filters: RunListFilter[] = [];

async function known<Answer>(
  id: string,
  of: string,
  code: 'GRAPH_RUN_UNKNOWN' | 'JOB_RUN_UNKNOWN',
  answer: Answer,
) {
  if (id === of) return answer;
  throw new CodedError(code, `There is no run ${id}.`);
}

const inspector: Inspector = {
  verifyGraphRun: (id) => known(id, graphRunId, 'GRAPH_RUN_UNKNOWN', found.verification),
  verifyJobRun: (id) => known(id, jobRunId, 'JOB_RUN_UNKNOWN', found.verification),
  verifyRuns: async (filter, { cursor }) => {
    filters.push(filter);
    const at = Number(cursor ?? 0);
    const nextCursor = at + 2 < found.runs.length ? String(at + 2) : null;
    return {
      items: found.runs.slice(at, at + 2),
      nextCursor,
      total: cursor === undefined ? found.runs.length : null,
    };
  },
  explainGraphRun: (id) => known(id, graphRunId, 'GRAPH_RUN_UNKNOWN', found.explanation),
  explainJobRun: (id) => known(id, jobRunId, 'JOB_RUN_UNKNOWN', found.explanation),
};

const { run } = await useCli({ inspector });

test('verify tells how a graph run or a job run compares; exit code 1 where it differs', async () => {
  found.verification = equal;
  for (const id of [graphRunId, jobRunId]) {
    expect(await run(['verify', id])).toMatchObject({
      code: 0,
      stdout: "equal to Temporal's history of 12 events\n",
    });
  }
  found.verification = unprovable;
  expect(await run(['verify', graphRunId])).toMatchObject({
    code: 0,
    stdout: 'unprovable: no execution has opened the run yet\n',
  });
  found.verification = different;
  const { code, stdout } = await run(['verify', graphRunId]);
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^2 differences .*\n\nJOB +FACT +ROW +HISTORY\nload +state +SUCCESS +FAILED\n\(run\) /,
  );
  expect(JSON.parse((await run(['verify', graphRunId, '--json'])).stdout)).toEqual(different);
  const unknown = await run(['verify', '0198c5a2-0000-7000-8000-000000000009']);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('neither a graph run nor')]);
});

test('verify lists what is explained, with why', async () => {
  const why = 'the run had been closed when its execution was ended from outside';
  found.verification = {
    ...equal,
    explained: [{ job: null, fact: 'state', row: 'SUCCESS', history: 'FAILED', why }],
  };
  const { code, stdout } = await run(['verify', graphRunId]);
  expect([code, stdout]).toEqual([0, expect.stringContaining(`explained: ${why}`)]);
});

function verified(verification: Verification, more: Partial<VerifiedRun> = {}): VerifiedRun {
  return {
    ...{ type: 'graph_run', id: graphRunId, project: 'flights', job: null, state: 'SUCCESS', reason: null },
    createdAt: '2026-11-24T08:00:00.000Z',
    verification,
    ...more,
  };
}

test('verify --all walks all pages, counts, and shows those that differ', async () => {
  found.runs = [
    verified(equal),
    verified(unprovable),
    verified(different, { type: 'job_run', id: jobRunId, job: 'load' }),
    verified(equal),
    verified(equal),
  ];
  const { code, stdout } = await run(['verify', '--all']);
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^5 runs: 3 equal, 1 different, 1 unprovable\n\nRUN +PROJECT +STATE +CREATED +DIFFERENCES\n/,
  );
  expect(stdout).toContain(
    `${jobRunId}  flights / load  SUCCESS  2026-11-24 08:00:00Z  load state: SUCCESS for FAILED and 1 more\n`,
  );

  expect(stdout).toContain(`\n\nunprovable, ${unprovable.why}:\n  ${graphRunId}\n\nlook closer`);

  const { stdout: json } = await run(['verify', '--all', '--json']);
  expect(JSON.parse(json)).toMatchObject({
    ...{ checked: 5, equal: 3, different: 1, unprovable: 1 },
    runs: [{ verification: { verdict: 'unprovable' } }, { id: jobRunId }],
  });

  found.runs = Array.from({ length: 22 }, () => verified(unprovable));
  const gone = await run(['verify', '--all']);
  expect(gone.code).toBe(0);
  expect(gone.stdout).toMatch(
    /^22 runs: .*22 unprovable\n\nunprovable, .*:\n( {2}[0-9a-f-]{36}\n){20} {2}… and 2 more\n$/,
  );

  found.runs = [verified(equal)];
  expect(await run(['verify', '--all'])).toMatchObject({
    code: 0,
    stdout: '1 run: 1 equal, 0 different, 0 unprovable\n',
  });
});

test('verify --all keeps to a project, and to runs since a time or within a span', async () => {
  filters.length = 0;
  const before = Date.now();
  await run(['verify', '--all', '--project', 'flights', '--since', '24h']);
  await run(['verify', '--all', '--since', '2026-11-24T08:00:00+02:00']);
  const [span, time] = filters;
  expect(span?.project).toBe('flights');
  expect(Math.abs((span?.since?.getTime() ?? 0) - (before - 86_400_000))).toBeLessThan(10_000);
  expect(time?.since?.toISOString()).toBe('2026-11-24T06:00:00.000Z');
});

test.each([
  [['verify'], 'needs the id of a run, or --all'],
  [['verify', graphRunId, '--all'], 'not both'],
  [['verify', graphRunId, '--since', '24h'], 'go with --all'],
  [['verify', '--all', '--since', 'yesterday'], 'expected 30m, 24h, 7d or a time'],
  [['verify', '--all', '--since', '5'], 'expected 30m, 24h, 7d or a time'],
  [['explain'], "missing required argument 'runId'"],
])('%j is wrong use', async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test('explain says first what to do, then why each job waits, then who polls what', async () => {
  const job = {
    ...{ jobRunId, waitsFor: [], waitsForCount: 0, attempt: 0, since: null },
    ...{ nextAttemptAt: null, lastError: null, worker: null, lastHeartbeatAt: null },
    state: 'PENDING' as const,
  };
  const inTime = (ms: number) => new Date(Date.now() + ms).toISOString();
  const below = Array.from({ length: 7 }, (_, at) => {
    return { ...job, job: `b${at}`, reason: 'upstream', message: 'waits for load' } as const;
  });
  found.explanation = explainedBy(
    { reason: 'no_worker', message: 'No worker polled the task queue "graphrun" in the last minute.' },
    {
      waiting: [
        { reason: 'retry', jobs: 1 },
        { reason: 'running', jobs: 1 },
        { reason: 'upstream', jobs: 7 },
      ],
      jobs: [
        {
          ...{ ...job, job: 'load', reason: 'retry', attempt: 2, nextAttemptAt: inTime(3_600_500) },
          message: 'attempt 3 of 5 comes next; the last one: \x1b[31mno such file',
        },
        {
          ...{
            ...job,
            job: 'count',
            reason: 'running',
            state: 'RUNNING',
            attempt: 1,
            since: inTime(-60_500),
          },
          ...{ message: 'attempt 1 of 3 runs on 7@host', worker: '7@host', lastHeartbeatAt: inTime(-30_500) },
        },
        ...below,
      ],
      queues: [
        { taskQueue: 'graphrun', kind: 'workflow', pollers: 0, lastPollAt: null, backlog: 3 },
        { taskQueue: 'graphrun', kind: 'activity', pollers: 2, lastPollAt: inTime(-12_200), backlog: null },
      ],
    },
  );
  const { code, stdout } = await run(['explain', graphRunId]);
  expect(code).toBe(0);
  expect(stdout.replaceAll(/ {2,}/g, '|')).toBe(
    [
      `flights · run ${graphRunId} · RUNNING no_worker`,
      'No worker polled the task queue "graphrun" in the last minute.',
      '',
      'JOB|STATE|WHY|ATTEMPTS|TIME|JOB RUN',
      `load|PENDING|retry|2|in 1 h 00 min|${jobRunId}|attempt 3 of 5 comes next; the last one: no such file`,
      `count|RUNNING|running|1|1 min 01 s|${jobRunId}|attempt 1 of 3 runs on 7@host; no heartbeat for 31 s`,
      ...['b0', 'b1', 'b2', 'b3', 'b4'].map((key) => `${key}|PENDING|upstream|${jobRunId}|waits for load`),
      '… and 2 more upstream',
      'a next attempt begins at once with: graphrun retry JOB_RUN',
      '',
      'TASK QUEUE|OF|WORKERS|LAST POLL|WAITING',
      'graphrun|workflow|no worker polls|never|3',
      'graphrun|activity|2 workers polling|12 s ago',
      '',
    ].join('\n'),
  );
  expect(JSON.parse((await run(['explain', graphRunId, '--json'])).stdout)).toEqual(found.explanation);
});

test('explain takes the id of a job run as well', async () => {
  found.explanation = explainedBy({ type: 'job_run', id: jobRunId });
  expect(await run(['explain', jobRunId])).toMatchObject({
    code: 0,
    stdout: `flights · run ${jobRunId} · RUNNING\nIt goes on.\n`,
  });
  expect((await run(['explain', '0198c5a2-0000-7000-8000-000000000009'])).code).toBe(2);
});
