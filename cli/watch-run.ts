import { createLogUpdate } from 'log-update';
import type { Client, GraphRunDetail, JobRunView } from '../client/index.ts';
import { askAgain } from './ask-again.ts';
import { type Out, useColor } from './io.ts';
import { renderErrors } from './run-errors.ts';
import { renderRun } from './run-table.ts';
import { count, formatSpan, printable } from './text.ts';

export interface WatchOptions {
  readonly client: { readonly graphRuns: Pick<Client['graphRuns'], 'get'> };
  readonly runId: string;
  /** A terminal gets a table that is drawn again and again, anything else a line for each change. */
  readonly out: Out;
  readonly intervalMs?: number | undefined;
  /** How long a server that does not answer is asked again; a minute unless told. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface View {
  show(run: GraphRunDetail): void;
  /** The server does not answer for the moment. */
  wait(error: unknown): void;
  end(run: GraphRunDetail): void;
  /** Also after an error; may be called twice. */
  close(): void;
}

const intervalMsDefault = 300;

/**
 * Shows a run until it has ended, and returns it as it is then. Aborting stops the watching, not the run.
 * @throws GraphrunError, ServerUnreachable once patience has run out, AbortError
 */
export async function watchRun(options: WatchOptions): Promise<GraphRunDetail> {
  const { client, runId, out, signal, intervalMs = intervalMsDefault, patienceMs } = options;
  const view = out.isTTY ? liveTable(out) : changeLines(out);
  try {
    return await askAgain({
      ask: () => client.graphRuns.get(runId),
      take: (run) => {
        const hasEnded = run.completedAt !== null;
        if (hasEnded) view.end(run);
        else view.show(run);
        return hasEnded;
      },
      wait: view.wait,
      ...{ intervalMs, patienceMs, signal },
    });
  } finally {
    view.close();
  }
}

function liveTable(out: Out): View {
  const color = useColor(out);
  const draw = createLogUpdate(withSize(out));
  let last = '';
  return {
    show: (run) => {
      // Head, titles, the line that counts the rest, and the cursor's own.
      const rowsMax = Math.max(1, (out.rows || 24) - 4);
      last = renderRun(run, new Date(), { color, rowsMax, errors: false });
      draw(last);
    },
    wait: (error) => draw(`${last}\n${messageOf(error)}; asking again`),
    end: (run) => draw.persist(renderRun(run, new Date(), { color })),
    close: () => draw.done(),
  };
}

/** Some terminals tell no size, or 0 by 0: then one that any terminal has. */
function withSize(out: Out): Out {
  if (out.columns && out.rows) return out;
  const size = new Map<PropertyKey, number>([
    ['columns', out.columns || 80],
    ['rows', out.rows || 24],
  ]);
  return new Proxy(out, {
    get: (target, name) => {
      const value: unknown = size.get(name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function changeLines(out: Out): View {
  const shown = new Map<string, string>();
  let waits = false;
  const write = (what: string, state: string, more: string) =>
    out.write(
      `${new Date().toISOString().slice(11, 19)}Z  ${[what, state, more].filter(Boolean).join('  ')}\n`,
    );
  const change = (
    what: string,
    it: Pick<GraphRunDetail, 'state' | 'startedAt' | 'completedAt'> & { reason: string | null },
  ) => {
    // Why something waits changes often and says little in a log; a retry does say something.
    const reason = it.state === 'PENDING' && it.reason !== 'retry' ? null : it.reason;
    const state = [it.state, reason].filter(Boolean).join(' ');
    const before = shown.get(what) ?? 'PENDING';
    shown.set(what, state);
    if (state !== before) write(what, state, it.completedAt === null ? '' : formatSpan(it, new Date()));
  };
  /** Jobs of an earlier epoch have not ended just now. */
  const tellKept = ({ jobRuns, epoch }: GraphRunDetail) => {
    const kept = jobRuns.filter(({ reused }) => reused).length;
    if (kept > 0 && !shown.has('kept')) out.write(`epoch ${epoch}: ${count(kept, 'job')} reused\n`);
    shown.set('kept', '');
  };
  const show = (run: GraphRunDetail) => {
    waits = false;
    const changeRun = () => change(`run ${run.id}`, run);
    if (run.completedAt === null) changeRun();
    tellKept(run);
    const isOver = ({ job, reused }: JobRunView) => reused || run.droppedJobs.includes(job);
    for (const job of run.jobRuns) if (!isOver(job)) change(job.job, job);
    if (run.completedAt !== null) changeRun();
  };
  return {
    show,
    wait: (error) => {
      if (!waits) out.write(`${messageOf(error)}; asking again\n`);
      waits = true;
    },
    end: (run) => {
      show(run);
      const failures = renderErrors(run);
      if (failures !== '') out.write(`\n${failures}\n`);
    },
    close: () => {},
  };
}

function messageOf(error: unknown): string {
  return printable(error instanceof Error ? error.message : String(error));
}
