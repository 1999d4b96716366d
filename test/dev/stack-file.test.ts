import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readStackFile, removeStackFile, type StackInfo, writeStackFile } from '../../dev/stack-file.ts';
import { useFolder } from './folders.ts';

const folder = useFolder();
const info: StackInfo = {
  pid: 1,
  apiUrl: 'http://127.0.0.1:4400',
  apiKey: 'gr_test',
  temporalAddress: '127.0.0.1:7233',
  temporalUiUrl: null,
  temporalCli: null,
  databaseUrl: 'postgresql://127.0.0.1/graphrun',
  warehouseUrl: 'postgresql://127.0.0.1/warehouse',
  pids: { worker: 2, api: 3 },
};

test('the file is read back as written, and only its owner may read it', () => {
  const file = join(folder, 'stack.json');
  writeStackFile(file, info);
  writeStackFile(file, info);
  expect(readStackFile(file)).toEqual(info);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['stack.json']);
  removeStackFile(file);
  removeStackFile(file);
  expect(readStackFile(file)).toBeUndefined();
});

test('a file that is not a stack file is read as none', () => {
  const file = join(folder, 'other.json');
  for (const content of ['', '{', '[]', 'null', '{"pid":"1"}', JSON.stringify({ ...info, apiUrl: 4400 })]) {
    writeFileSync(file, content);
    expect(readStackFile(file)).toBeUndefined();
  }
});
