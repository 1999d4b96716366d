import { describe, expect, it } from 'vitest';
import { jobDefinitionSchema, rulesOf } from '../../graph/definition.ts';

const read = (fields: object) => jobDefinitionSchema.safeParse({ kind: 'upload', ...fields });

describe('a job definition', () => {
  it.each([
    [{ timeout: '0ms' }, 'timeout'],
    [{ timeout: '400d' }, 'timeout'],
    [{ timeout: '5 minutes' }, 'timeout'],
    [{ retry: { initialInterval: '0s' } }, 'retry.initialInterval'],
    [{ retry: { maximumInterval: '0s' } }, 'retry.maximumInterval'],
    [{ retry: { initialInterval: '10s', maximumInterval: '5s' } }, 'retry.maximumInterval'],
    [{ retry: { maximumInterval: '500ms' } }, 'retry.maximumInterval'],
    [{ totalTimeout: '0ms' }, 'totalTimeout'],
    [{ timeout: '2m', totalTimeout: '119s' }, 'totalTimeout'],
    [{ retry: { maximumAttempts: 0 } }, 'retry.maximumAttempts'],
  ])('%j is refused at %s, since Temporal would refuse it for ever', (fields, path) => {
    const paths = read(fields).error?.issues.map((issue) => issue.path.join('.'));
    expect([...new Set(paths)]).toEqual([path]);
  });

  it('with a first interval above the default maximum waits that long each time', () => {
    const parsed = jobDefinitionSchema.parse({ kind: 'upload', retry: { initialInterval: '10m' } });
    expect(rulesOf(parsed).retry).toMatchObject({ initialIntervalMs: 600_000, maximumIntervalMs: 600_000 });
  });

  it('has a total time where one is given, which may be that of one attempt', () => {
    const rules = (fields: object) => rulesOf(jobDefinitionSchema.parse({ kind: 'upload', ...fields }));
    expect(rules({ timeout: '2m', totalTimeout: '120s' })).toMatchObject({ totalTimeoutMs: 120_000 });
    expect(rules({ totalTimeout: '1s' })).toMatchObject({ totalTimeoutMs: 1_000 });
    expect(Object.keys(rules({}))).not.toContain('totalTimeoutMs');
  });
});
