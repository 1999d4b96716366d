import type { JobLog } from '../jobs/define-job-kind.ts';

/** Whose lines they are. */
export interface LogSubject {
  readonly project: string;
  readonly job: string;
  readonly jobRunId: string;
  readonly attempt: number;
}

/** The worker's log as a job writes to it: every line tells whose it is, whatever the job's own data is named. */
export function createJobLog(log: JobLog, subject: LogSubject): JobLog {
  const at =
    (level: keyof JobLog): JobLog[typeof level] =>
    (message, data) =>
      log[level](message, { ...data, ...subject });
  return { debug: at('debug'), info: at('info'), warn: at('warn') };
}
