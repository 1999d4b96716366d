import { expect, test } from 'vitest';
import { parseDurationMs, writeDuration } from '../../graph/durations.ts';

test.each([
  [1, '1ms'],
  [1_500, '1500ms'],
  [2_000, '2s'],
  [90_000, '90s'],
  [600_000, '10m'],
  [5_400_000, '90m'],
  [21_600_000, '6h'],
  [172_800_000, '2d'],
])('%d milliseconds are written as %s, and read so', (ms, text) => {
  expect(writeDuration(ms)).toBe(text);
  expect(parseDurationMs(text)).toBe(ms);
});
