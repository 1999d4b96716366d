// Every command that README and guide tell people to type is typed here, against a running stack.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../client/index.ts';
import { useStack } from '../support/stack.ts';

const { info } = await useStack();
const client = createClient({ url: info.apiUrl, apiKey: info.apiKey });
const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);

/** Started and stopped by test/e2e/start.test.ts, and by whoever reads this. */
const runElsewhere = ['npm start', 'npm test'];

function commandsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line !== '' && !runElsewhere.includes(line));
}

async function type(command: string, folder: string): Promise<string> {
  const graphrun = `${process.execPath} ${join(root, 'cli/graphrun.ts')}`;
  const runs = await client.graphRuns.list({ limit: 1 });
  const latest = runs.items[0] ? await client.graphRuns.get(runs.items[0].id) : undefined;
  const line = command
    .replace(/^npm run graphrun --/, graphrun)
    .replace(/^graphrun\b/, graphrun)
    .replace(/^temporal\b/, `${info.temporalCli} --address ${info.temporalAddress}`)
    .replace(/\bJOB_RUN\b/, latest?.jobRuns[0]?.id ?? '')
    .replace(/\bRUN\b/, latest?.id ?? '')
    .replace('http://127.0.0.1:4400', info.apiUrl);
  const env = { ...process.env, GRAPHRUN_API_URL: info.apiUrl, GRAPHRUN_API_KEY: info.apiKey };
  const { stdout } = await run('bash', ['-euc', line], { cwd: folder, env });
  return stdout;
}

describe('the commands of the README', () => {
  it.each(commandsOf('README.md'))('%s', async (command) => {
    expect(await type(command, root)).not.toBe('');
  });
});

describe('the commands of the guide', () => {
  const folder = mkdtempSync(join(tmpdir(), 'graphrun-guide-'));
  const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8');
  const yaml = /^```yaml\n(.*?)^```/ms.exec(guide)?.[1] ?? '';
  writeFileSync(join(folder, 'graph.yaml'), yaml);
  writeFileSync(join(folder, 'orders.csv'), 'day,item\n2026-01-01,pen\n2026-01-01,ink\n2026-01-02,pen\n');

  it.each(commandsOf('docs/guide.md'))('%s', async (command) => {
    expect(await type(command, folder)).not.toBe('');
  });

  it('ran the graph that it shows', async () => {
    const { items } = await client.graphRuns.list({ project: 'shop' });
    expect(items.length).toBeGreaterThanOrEqual(2);
    expect(items.filter((item) => item.state === 'FAILED')).toEqual([]);
  });
});
