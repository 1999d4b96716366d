// A request that names an Idempotency-Key is carried out once. The key is the first thing that its transaction writes: a
// second request with the same key waits there until the first has committed, and then reads its answer. Whatever dies
// when, what the request made is there together with its answer, or neither is.
import type pg from 'pg';
import { CodedError } from '../graph/errors.ts';
import { insertEvents, type NewEvent } from './events.ts';
import type { Answer, Once } from './store.ts';

/** The request was carried out before. Thrown in its transaction, so that this one writes nothing. */
export class AnsweredBefore extends Error {
  override readonly name = 'AnsweredBefore';
  readonly answer: Answer;

  constructor(answer: Answer) {
    super('the request was carried out before; its answer is kept');
    this.answer = answer;
  }
}

/** What a request made, and the events that tell of it. */
interface Work<Made> {
  readonly made: Made;
  readonly events: readonly NewEvent[];
}

/**
 * The body of a transaction that carries out a request: with `once`, at most once for its key, and its answer is kept.
 * Without, it is `work` and the insert of its events.
 * @throws AnsweredBefore
 * @throws CodedError IDEMPOTENCY_KEY_REUSED
 */
export async function answerOnce<Made>(
  client: pg.ClientBase,
  once: Once<Made> | undefined,
  work: () => Promise<Work<Made>>,
): Promise<Made> {
  if (once) await claimKey(client, once);
  const { made, events } = await work();
  if (once) await keepAnswer(client, once, once.answer(made));
  await insertEvents(client, events);
  return made;
}

type Keyed = Omit<Once<never>, 'answer'>;

async function claimKey(client: pg.ClientBase, { actor, key, requestHash }: Keyed): Promise<void> {
  for (;;) {
    const claimed = await client.query(
      'INSERT INTO idempotency_key (actor, key, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [actor, key, requestHash],
    );
    if (claimed.rowCount === 1) return;
    const found = await client.query<Answer & { requestHash: string }>(
      `SELECT request_hash AS "requestHash", status, location, answer AS body FROM idempotency_key
       WHERE actor = $1 AND key = $2`,
      [actor, key],
    );
    const before = found.rows[0];
    // Its time was over between the two statements, so the key is free again.
    if (!before) continue;
    if (before.requestHash !== requestHash) throw reusedKey(key);
    throw new AnsweredBefore({ status: before.status, location: before.location, body: before.body });
  }
}

async function keepAnswer(client: pg.ClientBase, { actor, key }: Keyed, answer: Answer): Promise<void> {
  await client.query(
    'UPDATE idempotency_key SET status = $3, location = $4, answer = $5 WHERE actor = $1 AND key = $2',
    [actor, key, answer.status, answer.location, answer.body],
  );
}

function reusedKey(key: string): CodedError {
  return new CodedError(
    'IDEMPOTENCY_KEY_REUSED',
    `The Idempotency-Key "${key}" was used for another request: another route or another body. Nothing was done; ` +
      'send a new request with a key of its own.',
  );
}
