import { describe, expect, it } from 'vitest';
import { encodeOutput } from '../../activities/encode-output.ts';

describe('encodeOutput', () => {
  it('gives the JSON with its bytes and hash; equal outputs have equal hashes', () => {
    expect(encodeOutput('j', { a: 'ä' })).toMatchObject({ text: '{"a":"ä"}', bytes: 10 });
    expect(encodeOutput('j', [1])?.hash).toBe(encodeOutput('j', [1])?.hash);
    expect(encodeOutput('j', undefined)).toBeNull();
  });

  it.each([
    [
      'a circle',
      (() => {
        const circle: unknown[] = [];
        circle.push(circle);
        return circle;
      })(),
      'OUTPUT_INVALID',
    ],
    ['a bigint', 1n, 'OUTPUT_INVALID'],
    ['a function', () => 1, 'OUTPUT_INVALID'],
    ['too much', 'x'.repeat(300_000), 'OUTPUT_TOO_LARGE'],
  ])('refuses %s, finally', (_, output, code) => {
    expect(() => encodeOutput('j', output)).toThrow(expect.objectContaining({ code }));
  });
});
