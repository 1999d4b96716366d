import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { renderRun } from '../../cli/run-table.ts';
import { formatBytes, formatColumns, formatDuration, formatTime, printable } from '../../cli/text.ts';
import { graphRun, jobRun } from './views.ts';

const now = new Date('2025-01-01T00:00:10.000Z');
const at = (seconds: number) => new Date(Date.UTC(2025, 0, 1, 0, 0, seconds)).toISOString();

const mixed = graphRun({
  state: 'FAILED',
  reason: 'job_failed',
  startedAt: at(1),
  completedAt: at(8),
  jobRuns: [
    jobRun({ job: 'airports', state: 'SUCCESS', attempts: 1, startedAt: at(1), completedAt: at(3) }),
    jobRun({
      job: 'routes',
      state: 'FAILED',
      reason: 'error',
      attempts: 2,
      startedAt: at(1),
      completedAt: at(8),
      error: {
        type: 'CodedError',
        code: 'CSV_INVALID',
        message: 'line 3, column 7:\nthe quote is not closed',
        cause: 'Error: x',
      },
    }),
    jobRun({ job: 'busiest', state: 'FAILED', reason: 'upstream_failed', completedAt: at(8) }),
  ],
});

describe('a run', () => {
  test('is a line of its own, a row for each job, and the errors in full', () => {
    expect(renderRun(mixed, now)).toBe(
      [
        `flights · run ${mixed.id} · FAILED job_failed · 3 of 3 jobs ended · 7.0 s`,
        'JOB       STATE    REASON           ATTEMPTS   TIME',
        'airports  SUCCESS                          1  2.0 s',
        'routes    FAILED   error                   2  7.0 s',
        'busiest   FAILED   upstream_failed',
        '',
        'routes failed (CSV_INVALID, error, 2 attempts):',
        '    line 3, column 7:',
        '    the quote is not closed',
        '    caused by: Error: x',
      ].join('\n'),
    );
  });

  test('says of what was dropped that it is not in the graph any more', () => {
    const jobRuns = [jobRun({ job: 'gone', state: 'SUCCESS', reason: 'skipped', completedAt: at(2) })];
    const run = graphRun({ state: 'SUCCESS', jobRuns, droppedJobs: ['gone'] });
    expect(renderRun(run, now)).toMatch(/^gone +SUCCESS +dropped$/m);
  });

  test('in colour says the same', () => {
    const colored = renderRun(mixed, now, { color: true });
    expect(colored).toContain('\x1b[31mFAILED\x1b[39m');
    expect(stripVTControlCharacters(colored)).toBe(renderRun(mixed, now));
  });

  test('that is under way counts its time up to now', () => {
    const jobRuns = [jobRun({ job: 'a', state: 'RUNNING', startedAt: at(4), attempts: 1 })];
    expect(renderRun(graphRun({ state: 'RUNNING', startedAt: at(1), jobRuns }), now)).toMatch(
      /RUNNING .* 9\.0 s\n.*\na .* 6\.0 s$/,
    );
  });

  test('with more jobs than rows shows what tells most, in order, and counts the rest', () => {
    const jobRuns = Array.from({ length: 100 }, (_, place) =>
      jobRun({ job: `j${place}`, state: place === 70 ? 'FAILED' : place === 20 ? 'RUNNING' : 'SUCCESS' }),
    );
    const lines = renderRun(graphRun({ state: 'RUNNING', jobRuns }), now, { rowsMax: 3 }).split('\n');
    expect(lines.slice(2, 5).map((line) => line.split(' ')[0])).toEqual(['j0', 'j20', 'j70']);
    expect(lines[5]).toBe('… and 97 more jobs: 1 RUNNING, 1 FAILED, 98 SUCCESS in all');
  });

  test('that could not be run at all tells its own error', () => {
    const error = { type: 'CodedError', code: 'PROJECT_UNKNOWN', message: 'There is no project "x".' };
    const run = graphRun({ state: 'FAILED', reason: 'invalid', completedAt: at(2), error, jobRuns: [] });
    expect(renderRun(run, now)).toContain(
      'run of flights failed (PROJECT_UNKNOWN, invalid):\n    There is no project "x".',
    );
  });

  test('cannot change the terminal by what an error says', () => {
    const error = { type: 'Error', message: 'a\x1b[2Jb\x07c\x9b31md\r\ne\tf' };
    const run = graphRun({
      state: 'FAILED',
      completedAt: at(2),
      jobRuns: [jobRun({ state: 'FAILED', error })],
    });
    expect(renderRun(run, now).replaceAll(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
    expect(renderRun(run, now)).toContain('abc');
  });
});

test.each([
  [0, '0 ms'],
  [-5, '0 ms'],
  [999.4, '999 ms'],
  [999.5, '1.0 s'],
  [1_249, '1.2 s'],
  [9_949, '9.9 s'],
  [9_950, '10 s'],
  [59_499, '59 s'],
  [59_500, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [3_600_000, '1 h 00 min'],
  [90_061_000, '25 h 01 min'],
])('%d ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [2_500_000, '2.5 MB'],
  [5_368_709_120, '5.4 GB'],
])('%d bytes read %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('times, columns and text from outside', () => {
  expect(formatTime('2025-11-24T01:43:19.123Z')).toBe('2025-11-24 01:43:19Z');
  expect(formatTime(null)).toBe('');
  expect(
    formatColumns(
      [
        ['a', '1'],
        ['bcd', '22'],
      ],
      [1],
    ),
  ).toBe('a     1\nbcd  22');
  expect(printable('tab\tand\nline, no \x1b[31mcolour\x1b[0m or \x00')).toBe('tab\tand\nline, no colour or ');
});
