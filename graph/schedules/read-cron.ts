// Cron expressions: what all crons read alike is taken, what Temporal reads otherwise is translated or refused with the reason.
import { type Calendar, dayMs, hourMs, type Interval, minuteMs } from './calendar.ts';
import { type FieldKind, fieldKinds, type ReadField, readField } from './cron-field.ts';

export type ReadCron =
  | { readonly ok: true; readonly calendar: Calendar }
  | { readonly ok: true; readonly interval: Interval }
  | { readonly ok: false; readonly messages: readonly string[] };

const shorthands: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const example = 'expected five fields (minute, hour, day of month, month, day of week) such as "30 2 * * *"';
const cronCharsMax = 200;
const intervalMsMax = 365 * dayMs;

/** Finds all that is wrong with it at once. */
export function readCron(written: string): ReadCron {
  const text = written.trim();
  if (text.length > cronCharsMax) return refuse(`${text.length} characters; the limit is ${cronCharsMax}`);
  if (text.startsWith('@every')) return readEvery(text);
  if (text.startsWith('@')) {
    const meaning = shorthands[text.toLowerCase()];
    if (meaning) return readFields(meaning.split(' '), text);
    return refuse(
      `"${text.slice(0, 50)}" is not known; expected ${Object.keys(shorthands).join(', ')} or @every`,
    );
  }
  if (/^(CRON_)?TZ=/.test(text)) return refuse('the time zone stands in "timezone", not in the expression');
  const fields = text.split(/\s+/);
  if (fields.length === 5) return readFields(fields, fields.join(' '));
  if (fields.length === 6 || fields.length === 7) {
    const why = 'other crons read the first as seconds, Temporal the last as the year';
    return refuse(
      `${fields.length} fields: ${why}; ${example}; years go into "startAt" and "endAt", seconds are always 0`,
    );
  }
  return refuse(`"${text.slice(0, 50)}" has ${text === '' ? 0 : fields.length} fields; ${example}`);
}

function refuse(...messages: string[]): ReadCron {
  return { ok: false, messages };
}

function readFields(fields: readonly string[], text: string): ReadCron {
  const at = (index: number, kind: FieldKind) => readField(kind, fields[index] ?? '');
  const minute = at(0, fieldKinds.minute);
  const hour = at(1, fieldKinds.hour);
  const month = at(3, fieldKinds.month);
  const days = readDays(fields[2] ?? '', fields[4] ?? '');
  const messages = [minute, hour, month].flatMap((field) => (field.ok ? [] : [field.message]));
  if (!minute.ok || !hour.ok || !month.ok || !days.ok) {
    return { ok: false, messages: [...messages, ...(days.ok ? [] : days.messages)] };
  }
  return {
    ok: true,
    calendar: {
      months: month.values,
      daysOfMonth: days.daysOfMonth,
      daysOfWeek: days.daysOfWeek,
      hours: hour.values,
      minutes: minute.values,
      isEveryHour: hour.isEvery,
      text,
    },
  };
}

type ReadDays =
  | ({ readonly ok: true } & Pick<Calendar, 'daysOfMonth' | 'daysOfWeek'>)
  | { readonly ok: false; readonly messages: readonly string[] };

/** `fri#2` is the second Friday, which is the one of the days 8 to 14. */
function readDays(ofMonth: string, ofWeek: string): ReadDays {
  const [weekday = '', place, ...more] = ofWeek.split('#');
  const month = readField(fieldKinds.dayOfMonth, ofMonth);
  const week = readField(fieldKinds.dayOfWeek, weekday);
  const messages = [month, week].flatMap((field: ReadField) => (field.ok ? [] : [field.message]));
  const nth = place === undefined ? undefined : Number(place);
  const isOneDay = week.ok && week.values.length === 1;
  if (nth !== undefined && week.ok && (more.length > 0 || !/^[1-5]$/.test(place ?? '') || !isOneDay)) {
    messages.push(
      `day of week "${ofWeek.slice(0, 50)}": expected one day and # with a number from 1 to 5, such as fri#2`,
    );
  }
  if (month.ok && week.ok && !month.isWhole && (!week.isWhole || nth !== undefined)) {
    messages.push(
      `day of month "${ofMonth}" and day of week "${ofWeek}" are both given: most crons fire on either, Temporal only ` +
        `where both match. For either write two expressions, "… ${ofMonth} * *" and "… * * ${ofWeek}"; for both ` +
        `"calendars": [{"dayOfMonth": "${ofMonth}", "dayOfWeek": "${ofWeek}", …}]`,
    );
  }
  if (messages.length > 0 || !month.ok || !week.ok) return { ok: false, messages };
  const daysOfMonth =
    nth === undefined ? month.values : month.values.filter((day) => Math.ceil(day / 7) === nth);
  return { ok: true, daysOfMonth, daysOfWeek: week.values };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: minuteMs, h: hourMs, d: dayMs };

/** `@every 90s`, `@every 1h30m`, and with what it begins after: `@every 6h/1h`. */
function readEvery(text: string): ReadCron {
  const [, every = '', offset] = /^@every\s+([^\s/]+)(?:\/(\S+))?$/.exec(text) ?? [];
  const everyMs = readSpanOfTime(every);
  const offsetMs = offset === undefined ? 0 : readSpanOfTime(offset);
  if (everyMs === undefined || offsetMs === undefined) {
    return refuse(`"${text.slice(0, 50)}": expected, for example, @every 15m, @every 1h30m or @every 6h/1h`);
  }
  const problem = whyNoInterval({ everyMs, offsetMs });
  return problem === undefined ? { ok: true, interval: { everyMs, offsetMs } } : refuse(problem);
}

function readSpanOfTime(text: string): number | undefined {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
}

/** Undefined where it is one that Temporal takes. */
export function whyNoInterval({ everyMs, offsetMs }: Interval): string | undefined {
  if (everyMs < 1_000 || everyMs > intervalMsMax) return 'expected an interval from 1s to 365d, such as 15m';
  if (everyMs % 1_000 !== 0 || offsetMs % 1_000 !== 0) return 'expected whole seconds, such as 90s';
  if (offsetMs >= everyMs) return 'expected an offset that is shorter than the interval';
  return undefined;
}
