// Points at which a job's code waits for the test, kept as files: they outlive the death of either process.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../support/until.ts';

/** One thing that a job's code did, in the order of the file. */
export interface JournalEntry {
  readonly event: 'begun' | 'done' | 'cleaned';
  readonly at: number;
  readonly pid: number;
  readonly job: string;
  readonly jobRunId: string;
  readonly graphRunId: string | null;
  readonly attempt: number;
}

const pollMs = 10;

export interface Latches {
  /** In the job: tells that it got here, and waits until the test opens the latch. */
  wait(name: string, attempt: number, signal: AbortSignal | null): Promise<void>;
  /** In the test: waits until that attempt got here. Resolves with the pid of its worker. */
  reached(name: string, attempt?: number, withinMs?: number): Promise<number>;
  /** In the test: lets all attempts go on, also those that come later. */
  open(name: string): void;
  note(entry: Omit<JournalEntry, 'at' | 'pid'>): void;
  journal(): JournalEntry[];
}

export function openLatches(dir: string): Latches {
  mkdirSync(dir, { recursive: true });
  const journalFile = join(dir, 'journal.jsonl');
  const reachedFile = (name: string, attempt: number) => join(dir, `${name}.${attempt}.reached`);
  const openFile = (name: string) => join(dir, `${name}.open`);
  return {
    wait: async (name, attempt, signal) => {
      writeFileSync(reachedFile(name, attempt), String(process.pid));
      while (!existsSync(openFile(name))) await pause(pollMs, undefined, signal ? { signal } : {});
    },
    reached: (name, attempt = 1, withinMs) =>
      until(
        () => {
          const file = reachedFile(name, attempt);
          const pid = existsSync(file) ? readFileSync(file, 'utf8') : '';
          return pid === '' ? undefined : Number(pid);
        },
        `attempt ${attempt} reaches ${name}`,
        withinMs,
      ),
    open: (name) => writeFileSync(openFile(name), ''),
    // One write of a short line: appended whole, whoever else writes.
    note: (entry) =>
      appendFileSync(journalFile, `${JSON.stringify({ ...entry, at: Date.now(), pid: process.pid })}\n`),
    journal: () =>
      existsSync(journalFile)
        ? readFileSync(journalFile, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as JournalEntry)
        : [],
  };
}
