// docs/scenarios.md says which test shows which rule: the tests are there, by these titles.
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const rows = readFileSync('docs/scenarios.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| rule |'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it.each(rows.map(([, rule = '', title = '', file = '']) => [rule, title, file]))(
  '%s: "%s" in %s',
  (_rule, title, file) => {
    expect(title).not.toBe('');
    expect(existsSync(file)).toBe(true);
    // As its source has it.
    expect(readFileSync(file, 'utf8').replaceAll("\\'", "'")).toContain(title);
  },
);

it('tells of many', () => expect(rows.length).toBeGreaterThan(40));
