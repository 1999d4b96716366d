import { expect, it } from 'vitest';
import { whyNoTimezone } from '../../graph/timezone-names.ts';

it.each([
  'Europe/Berlin',
  'Europe/Kyiv',
  'Asia/Kolkata',
  'Asia/Calcutta',
  'America/Argentina/Buenos_Aires',
  'Etc/GMT+5',
  'EST5EDT',
  'UTC',
  'GB-Eire',
])('%s is a time zone, which Node reads', (name) => {
  expect(whyNoTimezone(name)).toBeUndefined();
  expect(() => new Intl.DateTimeFormat('en', { timeZone: name })).not.toThrow();
});

it.each(['+02:00', '+02', '-0530', 'PST', 'SystemV/EST5', 'Mars/Base', '', 'Europe/Berlin '])(
  '%j is none, and the message says what was read',
  (name) => {
    const read = `read ${JSON.stringify(name)}, expected a time zone of the IANA database, such as Europe/Berlin`;
    expect(whyNoTimezone(name)).toBe(read);
  },
);

it('another case of a name is told its spelling', () => {
  expect(whyNoTimezone('europe/berlin')).toContain('which spells it Europe/Berlin');
  expect(whyNoTimezone('ASIA/KOLKATA')).toContain('which spells it Asia/Kolkata');
});
