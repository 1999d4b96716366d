import { describe, expect, it } from 'vitest';
import { range } from '../../../graph/schedules/calendar.ts';
import { readCron } from '../../../graph/schedules/read-cron.ts';

function read(text: string) {
  const cron = readCron(text);
  return cron.ok ? ('calendar' in cron ? cron.calendar : cron.interval) : cron.messages;
}

const all = {
  months: range(1, 12),
  daysOfMonth: range(1, 31),
  daysOfWeek: range(0, 6),
  hours: range(0, 23),
  minutes: range(0, 59),
};

describe('a cron expression', () => {
  it.each([
    ['* * * * *', {}],
    ['30 2 * * *', { minutes: [30], hours: [2] }],
    ['*/20 9-17/4 * * mon-fri', { minutes: [0, 20, 40], hours: [9, 13, 17], daysOfWeek: range(1, 5) }],
    ['5,35,5 0 1,15 * *', { minutes: [5, 35], hours: [0], daysOfMonth: [1, 15] }],
    ['0 0 * Jan,march-4 *', { minutes: [0], hours: [0], months: [1, 3, 4] }],
    ['0 0 * * 7', { minutes: [0], hours: [0], daysOfWeek: [0] }],
    ['0 0 * * 5-7', { minutes: [0], hours: [0], daysOfWeek: [0, 5, 6] }],
    ['0 0 * * sat-sun', { minutes: [0], hours: [0], daysOfWeek: [0, 6] }],
    ['0 0 * * */3', { minutes: [0], hours: [0], daysOfWeek: [0, 3, 6] }],
    ['0 9 * * fri#2', { minutes: [0], hours: [9], daysOfMonth: range(8, 14), daysOfWeek: [5] }],
    ['0 9 * * 1#5', { minutes: [0], hours: [9], daysOfMonth: range(29, 31), daysOfWeek: [1] }],
    ['  @daily ', { minutes: [0], hours: [0] }],
    ['@yearly', { minutes: [0], hours: [0], daysOfMonth: [1], months: [1] }],
    ['@weekly', { minutes: [0], hours: [0], daysOfWeek: [0] }],
    ['@hourly', { minutes: [0] }],
  ])('%s is read', (text, fields) => {
    expect(read(text)).toMatchObject({ ...all, ...fields });
  });

  it.each([
    ['0 * * * *', true],
    ['0 */3 * * *', true],
    ['0 0-23 * * *', true],
    ['0 0-22 * * *', false],
    ['0 2,*/3 * * *', false],
  ])('%s follows real time: %s', (text, isEveryHour) => {
    expect(read(text)).toMatchObject({ isEveryHour });
  });

  it.each([
    ['@every 15m', 900_000, 0],
    ['@every 1h30m', 5_400_000, 0],
    ['@every 6h/1h', 21_600_000, 3_600_000],
  ])('%s is an interval', (text, everyMs, offsetMs) => {
    expect(read(text)).toEqual({ everyMs, offsetMs });
  });

  it.each([
    ['', /has 0 fields; expected five fields .* such as "30 2 \* \* \*"/],
    ['30 2 * *', /"30 2 \* \*" has 4 fields/],
    ['0 30 2 * * *', /6 fields: other crons read the first as seconds, Temporal the last as the year/],
    ['0 0 30 2 * * 2027', /7 fields/],
    ['60 2 * * *', /minute "60": 60 is not from 0 to 59; expected, for example, 0, 5,35/],
    ['0 24 * * *', /hour "24"/],
    ['0 22-2 * * *', /hour "22-2": 22-2 ends before it begins: write 22-23,/],
    ['0 5/6 * * *', /5\/6 is read differently by different crons: write 5-23\/6/],
    ['0 */0 * * *', /\/0 is no step/],
    ['0 1-2-3 * * *', /more than one -/],
    ['0 */2/3 * * *', /more than one \//],
    ['0 1,, * * *', /a value is missing/],
    ['0 x * * *', /x is not from 0 to 23;/],
    ['0 0 L * *', /day of month "L": L and W .* are not known to Temporal/],
    ['0 0 15W * *', /not known to Temporal/],
    ['0 0 * * 5L', /not known to Temporal/],
    ['0 0 ? * 1', /\? is not known here: write \*/],
    ['0 0 * foo *', /foo is not from 1 to 12, nor a name/],
    [
      '0 9 13 * 5',
      /both given: most crons fire on either, Temporal only where both match.*"… 13 \* \*" and "… \* \* 5"/,
    ],
    ['0 9 13 * fri#2', /both given/],
    ['0 9 * * mon-fri#2', /expected one day and # with a number from 1 to 5, such as fri#2/],
    ['0 9 * * fri#6', /such as fri#2/],
    ['@reboot', /"@reboot" is not known; expected @yearly/],
    ['@every 5', /expected, for example, @every 15m/],
    ['@every 500ms', /expected, for example, @every 15m/],
    ['@every 0s', /from 1s to 365d/],
    ['@every 5m/5m', /an offset that is shorter than the interval/],
    ['TZ=Europe/Berlin 0 9 * * *', /stands in "timezone"/],
    ['1'.repeat(201), /201 characters; the limit is 200/],
  ])('"%s" is refused with the reason', (text, why) => {
    expect(read(text)).toEqual([expect.stringMatching(why)]);
  });

  it('is told all that is wrong with it', () => {
    expect(read('60 24 0 13 8')).toHaveLength(5);
  });
});
