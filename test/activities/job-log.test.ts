import { expect, it } from 'vitest';
import { createJobLog } from '../../activities/job-log.ts';

it('tells whose line it is, beside the data of the job', () => {
  const lines: unknown[] = [];
  const write = (message: string, data?: object) => lines.push({ message, ...data });
  const subject = { project: 'p', job: 'a', jobRunId: 'id', attempt: 2 };
  const log = createJobLog({ debug: write, info: write, warn: write }, subject);
  log.info('plain');
  log.warn('with data', { rows: 3, job: 'another' });
  expect(lines).toEqual([
    { message: 'plain', ...subject },
    { message: 'with data', rows: 3, ...subject },
  ]);
});
