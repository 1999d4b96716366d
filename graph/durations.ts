const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const durationPattern = /^(\d{1,9})(ms|s|m|h|d)$/;

/** Of a timeout or an interval: none takes no time, and Temporal refuses to wait for none. */
export const durationLimitsMs = { min: 1, max: 365 * 86_400_000 } as const;

/** Reads `"500ms"`, `"10s"`, `"5m"`, `"6h"` or `"2d"`; undefined when it is none of these. */
export function parseDurationMs(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (!match) return undefined;
  const unit = match[2] as keyof typeof unitMs;
  return Number(match[1]) * unitMs[unit];
}

/** As a graph writes it, in the largest unit that tells it whole: `2s`, `90m`, `1500ms`. */
export function writeDuration(ms: number): string {
  const [unit, size] = Object.entries(unitMs).findLast(([, of]) => ms % of === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
