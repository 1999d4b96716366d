import fc from 'fast-check';
import { expect, it } from 'vitest';
import { projectNamePattern } from '../../graph/names.ts';
import { namesOf, stagingTable, tokenOf } from '../../warehouse/names.ts';

it('gives no two projects a name in common, whatever their databases are called', () => {
  const project = fc.stringMatching(projectNamePattern);
  const database = fc.constantFrom('warehouse', 'warehouse_a', 'warehouse.a', 'w~0', 'é'.repeat(31));
  fc.assert(
    fc.property(project, database, project, database, (a, databaseA, b, databaseB) => {
      fc.pre(a !== b || databaseA !== databaseB);
      const namesA = namesOf(a, databaseA);
      const namesB = namesOf(b, databaseB);
      expect(namesA.role).not.toBe(namesB.role);
      if (a !== b) expect([namesA.schema, namesA.stagingSchema]).not.toContain(namesB.schema);
    }),
  );
});

it("keeps a project named like another one's staging schema apart from it", () => {
  const schemas = ['a', 'a--staging', 'a-staging'].flatMap((project) => {
    const { schema, stagingSchema } = namesOf(project, 'warehouse');
    return [schema, stagingSchema];
  });
  expect(new Set(schemas).size).toBe(6);
});

it('cuts the name of a role to what Postgres keeps, without splitting a character', () => {
  const long = namesOf('a'.repeat(40), 'é'.repeat(31)).role;
  const other = namesOf(`${'a'.repeat(39)}b`, 'é'.repeat(31)).role;
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(63);
  expect(long).toMatch(/^é+~[0-9a-f]{16}$/);
  expect(other).not.toBe(long);
});

it('reads the token back from the name of a staging table', () => {
  const jobRunId = '0190a8b2-6f6e-7c3d-8b1a-3f7f5a1c2d3e';
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.nat(999), (token, index) => {
      const name = stagingTable({ jobRunId, token }, index);
      expect(tokenOf(name)).toBe(token);
      expect(name.length).toBeLessThanOrEqual(63);
    }),
  );
  expect(tokenOf('airports')).toBeUndefined();
});

it('refuses what is not the name of a project', () => {
  expect(() => namesOf('a"; drop schema graphrun', 'warehouse')).toThrow('not a project name');
});
