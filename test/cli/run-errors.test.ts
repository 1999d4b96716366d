import { describe, expect, test } from 'vitest';
import { renderErrors, renderJobError } from '../../cli/run-errors.ts';
import type { JobRunView } from '../../client/index.ts';
import { graphRun, jobRun } from './views.ts';

const at = '2025-01-01T00:00:10.000Z';
const asked = { at, by: 'key:x', note: 'the wrong file' };
const boom = { type: 'Error', message: 'boom' };
const ended = (more: Partial<JobRunView>) =>
  jobRun({ state: 'FAILED', attempts: 2, completedAt: at, ...more });
const cancelled = (more: Partial<JobRunView> = {}) =>
  ended({ reason: 'cancelled', error: { type: 'Cancelled', message: '' }, ...more });

describe('the errors of a run', () => {
  test('are also those of jobs that wait for their next attempt', () => {
    const jobRuns = [jobRun({ job: 'a', reason: 'retry', attempts: 1, error: boom })];
    expect(renderErrors(graphRun({ state: 'RUNNING', jobRuns }))).toBe(
      'attempt 1 of a failed (Error, retry):\n    boom',
    );
  });

  test('tell once what ended the run and all its open jobs', () => {
    const error = {
      type: 'terminated',
      message: 'The workflow was ended in Temporal as TERMINATED by me (oops).',
    };
    const jobRuns = ['a', 'b'].map((job) => ended({ job, reason: 'terminated', error }));
    const run = graphRun({ state: 'FAILED', reason: 'terminated', error, jobRuns });
    expect(renderErrors(run)).toBe(`run of flights failed (terminated):\n    ${error.message}`);
  });

  test('name no project where there is none', () => {
    const run = graphRun({ project: '', state: 'FAILED', reason: 'invalid', error: boom, jobRuns: [] });
    expect(renderErrors(run)).toBe('the run failed (Error, invalid):\n    boom');
  });

  test('tell jobs together that were cancelled for one reason, and by itself what one threw', () => {
    const jobRuns = [
      ...Array.from({ length: 12 }, (_, number) => cancelled({ job: `j${number}` })),
      cancelled({ job: 'own', error: boom }),
      cancelled({ job: 'asked', cancelRequest: asked }),
      ended({ job: 'never', reason: 'cancelled', attempts: 0, error: null }),
    ];
    expect(renderErrors(graphRun({ state: 'FAILED', reason: 'timed_out', jobRuns }))).toBe(
      [
        'own failed (Error, cancelled, 2 attempts):',
        '    boom',
        "    cancelled since the run took longer than its graph's timeout",
        '',
        'j0, j1, j2, j3, j4, j5, j6, j7, j8, j9 and 2 more failed (cancelled):',
        "    cancelled since the run took longer than its graph's timeout",
        '',
        'asked failed (cancelled):',
        '    cancelled 2025-01-01 00:00:10Z by key:x: the wrong file',
      ].join('\n'),
    );
  });

  test('tell a cause that the message does not', () => {
    const of = (cause: string) => renderJobError(ended({ reason: 'error', error: { ...boom, cause } }), null);
    expect(of('Error: boom')).not.toContain('caused by');
    expect(of('Error: no such host')).toContain('    caused by: Error: no such host');
  });
});

describe('a job that was cancelled', () => {
  test.each([
    [
      'by itself',
      { cancelRequest: asked },
      { reason: 'job_failed', cancelRequest: null },
      'by key:x: the wrong file',
    ],
    [
      'with its run',
      {},
      { reason: 'cancelled', cancelRequest: asked },
      'with its run, 2025-01-01 00:00:10Z by key:x',
    ],
    [
      'in Temporal',
      {},
      { reason: 'cancelled', cancelRequest: null },
      "with its run, by Temporal's own tools",
    ],
    ['by a timeout', {}, { reason: 'timed_out', cancelRequest: null }, "its graph's timeout"],
    [
      'by onFailure',
      {},
      { reason: 'job_failed', cancelRequest: null },
      "another job failed, by the graph's onFailure",
    ],
    ['in Temporal, alone,', {}, null, "cancelled with Temporal's own tools"],
  ] as const)('%s says so', (_how, job, run, told) => {
    expect(renderJobError(cancelled(job), run)).toContain(told);
  });
});
