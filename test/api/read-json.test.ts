import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonDepthMax, readJson } from '../../api/read-json.ts';
import { limits } from '../../graph/limits.ts';

const read = (text: string) => readJson(Buffer.from(text));

test('what JSON.stringify writes is read back without a problem', () => {
  const value = fc.jsonValue({ maxDepth: 8 }).filter((json) => {
    const text = JSON.stringify(json);
    return !/\\u0000|\\ud|__proto__/i.test(text) && !/\d{16}|e\+/.test(text);
  });
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, '\t'), (json, space) => {
      const text = JSON.stringify(json, null, space);
      expect(read(text)).toEqual({ value: JSON.parse(text), problems: [], unlisted: 0 });
    }),
  );
});

test('every key that is written twice is found where it is', () => {
  const objects = fc.array(fc.constantFrom('a', 'b', 'c', '"', '\\', '}', '[', 'a/b'), { maxLength: 6 });
  fc.assert(
    fc.property(objects, (keys) => {
      const text = `{"in": [0, {${keys.map((key) => `${JSON.stringify(key)}: {"x": "}"}`).join(',')}}]}`;
      const twice = keys.filter((key, at) => keys.indexOf(key) < at);
      const paths = twice.map((key) => `/in/1/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      expect(read(text).problems.map(({ code, path }) => [code, path])).toEqual(
        paths.map((path) => ['KEY_DUPLICATE', path]),
      );
    }),
  );
});

test('a key counts as what it says, not as how it is escaped', () => {
  expect(read('{"a": 1, "\\u0061": 2}').problems).toMatchObject([{ code: 'KEY_DUPLICATE', path: '/a' }]);
});

test.each([
  ['{"sql": "a\\u0000b"}', '/sql'],
  ['["\\ud800"]', '/0'],
  ['{"n": 1e999}', '/n'],
  ['[12345678901234567890]', '/0'],
  ['{"__proto__": {}}', '/__proto__'],
])('%s would not be kept as it is written', (text, path) => {
  expect(read(text).problems).toMatchObject([{ code: 'SHAPE_INVALID', path }]);
});

test('of a million problems the first are told, and soon', { timeout: 5_000 }, () => {
  const { problems, unlisted } = read(`[${Array(600_000).fill('1e999').join(',')}]`);
  expect([problems.length, unlisted]).toEqual([limits.problemsShown, 600_000 - limits.problemsShown]);
});

test('numbers that are kept are left alone', () => {
  expect(read('[0, -0.5, 1e3, 9007199254740991, 1.5e-7, 0.1]').problems).toEqual([]);
});

test.each([
  ['{"a":', 'The body is not JSON'],
  ['', 'The body is not JSON'],
  ['{"a": "b', 'The body is not JSON'],
  [`${'['.repeat(jsonDepthMax + 1)}${']'.repeat(jsonDepthMax + 1)}`, 'nested deeper than'],
])('%.20s is refused', (text, message) => {
  expect(() => read(text)).toThrow(message);
});

test('as deep as the limit is not too deep', () => {
  expect(read(`${'['.repeat(jsonDepthMax)}${']'.repeat(jsonDepthMax)}`).problems).toEqual([]);
});
