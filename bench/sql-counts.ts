import pg from 'pg';

export interface SqlCounts {
  /** Commits: each COMMIT or ROLLBACK, and each statement that runs outside of a transaction. */
  readonly transactions: number;
  /** All that is sent except BEGIN, COMMIT and ROLLBACK. */
  readonly statements: number;
}

/**
 * Counts what this process sends to Postgres, from now on, at the driver: every client's, Prisma's too. Returns a
 * function that tells the counts so far.
 */
export function countSql(): () => SqlCounts {
  let transactions = 0;
  let statements = 0;
  const inTransaction = new WeakSet<object>();
  const query: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof query !== 'function') throw new Error('pg has no Client.prototype.query any more');

  const count = (client: object, text: string): void => {
    const [, word = ''] = /^\s*(\w+)/.exec(text.slice(0, 100)) ?? [];
    if (/^(BEGIN|START)$/i.test(word)) {
      inTransaction.add(client);
    } else if (/^(COMMIT|END|ROLLBACK)$/i.test(word)) {
      inTransaction.delete(client);
      transactions += 1;
    } else {
      statements += 1;
      if (!inTransaction.has(client)) transactions += 1;
    }
  };
  const counted = function (this: pg.Client, ...given: unknown[]): unknown {
    count(this, textOf(given[0]));
    return Reflect.apply(query, this, given);
  };
  Reflect.set(pg.Client.prototype, 'query', counted);
  return () => ({ transactions, statements });
}

/** A query is given as its text or as an object that holds it. */
function textOf(given: unknown): string {
  if (typeof given === 'string') return given;
  if (typeof given === 'object' && given !== null && 'text' in given) return String(given.text);
  throw new Error('a query without a text was sent to Postgres');
}
