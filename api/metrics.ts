import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { InstallationFacts } from '../store/metrics.ts';
import type { Store } from '../store/store.ts';

/** What Prometheus reads: of this process, and of the installation as the metadata tells it. */
export interface Metrics {
  /** Seconds by `method`, `route` (its template) and `status`. */
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly eventStreams: Gauge;
  readonly mediaType: string;
  /** @throws CodedError STORE_UNAVAILABLE */
  text(): Promise<string>;
}

/** Several servers that scrape, or one that does so often, read the database this often at most. */
const factsKeptMs = 3_000;
const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

export function createMetrics(store: Pick<Store, 'metrics'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Histogram({
    name: 'graphrun_http_request_duration_seconds',
    help: 'Requests by method, route and status, without streams',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsBuckets,
    registers,
  });
  const eventStreams = new Gauge({
    name: 'graphrun_event_streams',
    help: 'Open streams of the feed in this process',
    registers,
  });
  const show = createInstallationGauges(registers);
  const readFacts = keepFor(factsKeptMs, () => store.metrics.read());
  const all = Registry.merge([processRegistry(), registry]);
  return {
    requests,
    eventStreams,
    mediaType: all.contentType,
    text: async () => {
      show(await readFacts());
      return all.metrics();
    },
  };
}

/** The same in every API process: they are read from Postgres. */
function createInstallationGauges(registers: Registry[]): (facts: InstallationFacts) => void {
  const gauge = (name: string, help: string) => new Gauge({ name: `graphrun_${name}`, help, registers });
  const graphRuns = new Gauge({
    name: 'graphrun_graph_runs',
    help: 'Graph runs that have not ended, by state',
    labelNames: ['state'],
    registers,
  });
  const corrections = new Counter({
    name: 'graphrun_watch_corrections_total',
    help: 'Runs whose rows the watch has mended, by kind',
    labelNames: ['kind'],
    registers,
  });
  const oldest = gauge(
    'oldest_pending_age_seconds',
    'Age of the oldest PENDING graph run or lone job run; 0: none',
  );
  const feed = gauge('feed_number', 'Number of the last event');
  const lag = gauge(
    'watch_lag_seconds',
    'What was done in Temporal longer ago is in the rows; NaN: never watched',
  );
  const lastTurn = gauge(
    'watch_last_turn_timestamp_seconds',
    'End of the last whole turn of the watch; 0: none yet',
  );
  const turnLag = gauge('watch_turn_lag_seconds', 'How old, at most, was what the last whole turn found');
  const behind = gauge('watch_behind', 'Whether the watch has fallen behind: 0 or 1');
  return ({ openGraphRuns, oldestPendingSeconds, feedNumber, watch }) => {
    for (const [state, count] of Object.entries(openGraphRuns)) graphRuns.set({ state }, count);
    oldest.set(oldestPendingSeconds);
    feed.set(feedNumber);
    lag.set(watch.lagSeconds ?? Number.NaN);
    lastTurn.set((watch.lastTurn?.endedAt.getTime() ?? 0) / 1_000);
    turnLag.set(watch.lastTurn?.lagSeconds ?? 0);
    behind.set(watch.isBehind ? 1 : 0);
    corrections.reset();
    for (const [kind, count] of watch.corrections) corrections.inc({ kind }, count);
  };
}

let ofProcess: Registry | undefined;

/** Memory, CPU, event loop: one set a process, whatever is made in it. */
function processRegistry(): Registry {
  if (ofProcess) return ofProcess;
  ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  return ofProcess;
}

/** An answer is given again for a time; a failure is not. */
function keepFor<Answer>(ms: number, ask: () => Promise<Answer>): () => Promise<Answer> {
  let kept: { readonly answer: Promise<Answer>; readonly until: number } | undefined;
  return () => {
    if (kept && performance.now() < kept.until) return kept.answer;
    const answer = ask();
    kept = { answer, until: performance.now() + ms };
    answer.catch(() => {
      kept = undefined;
    });
    return answer;
  };
}
