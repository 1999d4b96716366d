/** Both ends belong to it. */
export interface NumberRange {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Fields as in Temporal's structured calendar; those that are not there match all. */
export interface TemporalCalendar {
  readonly years?: readonly NumberRange[];
  readonly months?: readonly NumberRange[];
  readonly daysOfMonth?: readonly NumberRange[];
  readonly daysOfWeek?: readonly NumberRange[];
  readonly hours: readonly NumberRange[];
  readonly minutes: readonly NumberRange[];
  readonly seconds: readonly NumberRange[];
  readonly comment: string;
}

/** As few ranges as it takes, mostly. */
export function toRanges(ascending: readonly number[]): NumberRange[] {
  const [first = 0, second = 0] = ascending;
  const step = second - first;
  const isEven = ascending.every((value, index) => value === first + index * step);
  if (ascending.length > 2 && isEven) return [{ start: first, end: ascending.at(-1) ?? first, step }];
  const ranges: NumberRange[] = [];
  for (const value of ascending) {
    const last = ranges.at(-1);
    if (last && value === last.end + 1) ranges[ranges.length - 1] = { ...last, end: value };
    else ranges.push({ start: value, end: value, step: 1 });
  }
  return ranges;
}
