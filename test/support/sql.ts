import pg from 'pg';
import { afterAll } from 'vitest';

/** A connection of the test's own, to look at rows and to write what only psql would. */
export async function useSql(databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  afterAll(() => client.end());
  return {
    query: async <Row extends pg.QueryResultRow = Record<string, unknown>>(
      sql: string,
      values: readonly unknown[] = [],
    ): Promise<Row[]> => (await client.query<Row>(sql, [...values])).rows,
  };
}
