import { expect, test } from 'vitest';
import { canonicalJson } from '../../api/canonical-json.ts';

test('equal values have one text, whatever the order of their keys', () => {
  const text = '{"a":[{"b":1,"c":null}],"d":"x"}';
  expect(canonicalJson({ d: 'x', a: [{ c: null, b: 1 }] })).toBe(text);
  expect(canonicalJson({ a: [{ b: 1, c: null }], d: 'x' })).toBe(text);
});

test('the order of a list stays', () => {
  expect(canonicalJson([2, 1])).toBe('[2,1]');
});

test.each([
  [null, 'null'],
  [{}, '{}'],
  ['{}', '"{}"'],
  [JSON.parse('{"__proto__":1,"a":2}'), '{"__proto__":1,"a":2}'],
])('%j is told from others', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});
