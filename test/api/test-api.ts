import { randomBytes } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { afterAll } from 'vitest';
import { type AppOptions, createApp } from '../../api/app.ts';
import type { Api } from '../../api/dependencies.ts';
import { CodedError } from '../../graph/errors.ts';
import type { Explanation, Verification } from '../../graph/inspections.ts';
import type { ProblemView } from '../../graph/resources.ts';
import { createKinds } from '../../jobs/index.ts';
import type { CancelToSend } from '../../store/cancel-runs.ts';
import { createStore, type Store } from '../../store/index.ts';
import type { RetryToTell } from '../../store/retry-jobs.ts';
import type { ScheduleToPush } from '../../store/schedule-pushes.ts';
import type { JobRunToStart, Role, RunToStart } from '../../store/store.ts';
import type { Inspector } from '../../watch/inspector.ts';
import type { PendingActivity } from '../../watch/pending-activities.ts';
import type { SignalToSend } from '../../watch/signaller.ts';
import type { Starter } from '../../watch/starter.ts';
import { useDatabases } from '../support/databases.ts';

/** Keeps what it is asked to start; refuses while `isAway`. */
export interface FakeStarter extends Starter {
  isAway: boolean;
  readonly graphRuns: RunToStart[];
  readonly jobRuns: JobRunToStart[];
  readonly cancels: CancelToSend[];
  readonly signals: SignalToSend[];
  readonly retries: RetryToTell[];
  /** By which every activity is held. */
  pause: PendingActivity['pause'];
  readonly schedules: ScheduleToPush[];
}

export interface TestApi {
  readonly app: Api;
  readonly store: Store;
  readonly temporal: FakeStarter;
  readonly keys: Readonly<Record<Role, string>>;
  /** Sends a request with the key of a role; the editor's unless told. */
  call<Body = unknown>(method: Method, url: string, options?: CallOptions): Promise<Called<Body>>;
  /** Makes a project with a graph of two jobs, `load` and `count`; its name. */
  makeProject(): Promise<string>;
}

interface CallOptions extends Pick<InjectOptions, 'payload' | 'headers'> {
  readonly role?: Role | undefined;
}

interface Called<Body> {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed JSON, where it is JSON: each test says what it expects there. */
  readonly body: Body;
  /** The same, of an answer that is an error. */
  readonly problem: ProblemView;
}

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export function twoJobs(project: string) {
  return {
    project,
    maxOpenRuns: 50,
    jobs: {
      load: { kind: 'upload', config: { file: 'numbers.csv' } },
      count: { kind: 'transform', config: { sql: "select count(*) as n from {{ ref('load') }}" } },
    },
  };
}

export function newName(): string {
  return `p-${randomBytes(6).toString('hex')}`;
}

const unprovable: Verification = {
  verdict: 'unprovable',
  why: 'no execution has opened the run yet',
  differences: [],
  explained: [],
  events: 0,
};

const notStarted: Explanation = {
  run: {
    type: 'graph_run',
    id: '0198c5a2-0000-7000-8000-000000000000',
    project: 'p',
    state: 'PENDING',
    reason: 'not_started',
    message: 'Temporal has no workflow of it yet.',
  },
  temporalAnswered: true,
  waiting: [],
  jobs: [],
  queues: [],
};

/** As of a Temporal server that has nothing. */
export const fakeInspector: Inspector = {
  verifyGraphRun: async () => unprovable,
  verifyJobRun: async () => unprovable,
  verifyRuns: async () => ({ items: [], nextCursor: null, total: 0 }),
  explainGraphRun: async () => notStarted,
  explainJobRun: async () => notStarted,
};

/** An API on a database of its own, with a fake in place of Temporal; closed after the file's last test. */
export async function useApi(options: Partial<AppOptions> = {}): Promise<TestApi> {
  const store = options.store ?? createStore(await useDatabases());
  const temporal = fakeStarter();
  const app = await createApp({
    temporal,
    kinds: createKinds(),
    inspector: fakeInspector,
    ...options,
    store,
  });
  afterAll(async () => {
    await app.close();
    await store.close();
  });
  const keys = { viewer: 'key-of-viewer', editor: 'key-of-editor', admin: 'key-of-admin' };
  for (const role of ['viewer', 'editor', 'admin'] as const) {
    await store.apiKeys.ensure({ name: role, role, key: keys[role] });
  }
  const call = async <Body>(method: Method, url: string, { role = 'editor', ...sent }: CallOptions = {}) => {
    const headers = { authorization: `Bearer ${keys[role]}`, ...sent.headers };
    const response = await app.inject({ method, url, ...sent, headers });
    const isJson = String(response.headers['content-type']).includes('json') && response.payload !== '';
    const body = (isJson ? response.json() : response.payload) as Body;
    return {
      status: response.statusCode,
      headers: response.headers,
      body,
      problem: body as unknown as ProblemView,
    };
  };
  const makeProject = async () => {
    const name = newName();
    await call('POST', '/v1/projects', { payload: { name } });
    await call('PUT', `/v1/projects/${name}/graph`, { payload: twoJobs(name) });
    return name;
  };
  return { app, store, temporal, keys, call, makeProject };
}

export function fakeStarter(): FakeStarter {
  const answer = () => {
    if (starter.isAway) throw new CodedError('TEMPORAL_UNAVAILABLE', 'Temporal is away.');
  };
  const starter: FakeStarter = {
    isAway: false,
    graphRuns: [],
    jobRuns: [],
    cancels: [],
    signals: [],
    retries: [],
    pause: null,
    schedules: [],
    startGraphRun: async (run) => {
      answer();
      starter.graphRuns.push(run);
      return null;
    },
    startJobRun: async (run) => {
      answer();
      starter.jobRuns.push(run);
      return null;
    },
    requestCancel: async (cancel) => {
      answer();
      starter.cancels.push(cancel);
      return true;
    },
    terminateCancelled: async () => true,
    signal: async (signal) => {
      answer();
      starter.signals.push(signal);
      return true;
    },
    findPause: async () => {
      answer();
      return starter.pause;
    },
    retryNow: async (retry) => {
      answer();
      starter.retries.push(retry);
    },
    pushSchedule: async (schedule) => {
      answer();
      starter.schedules.push(schedule);
      if (schedule.isDeleted) return { outcome: 'removed' };
      const { paused, note } = schedule;
      const told = { form: 'plain', until: null, seen: 'seen', overruled: null } as const;
      return { outcome: 'put', pushed: { ...told, paused, note: note ?? '' } };
    },
    scheduleTimes: async () => [],
    removeSchedule: async () => answer(),
    ping: async () => answer(),
    close: async () => {},
  };
  return starter;
}
