// Backfills: each is a row and an event first. The watch makes their runs, by `open` and `tend`.
import type { Page } from '../graph/resources.ts';
import type { BackfillPreview, BackfillView } from '../graph/schedules/backfills.ts';
import {
  type BackfillCancel,
  type BackfillResume,
  type CancelledBackfill,
  cancelBackfill,
  resumeBackfill,
} from './backfill-changes.ts';
import { type BackfillRow, readBackfill, selectBackfill, toBackfillView } from './backfill-rows.ts';
import type { Database } from './database.ts';
import type { GraphCache } from './graph-cache.ts';
import { answerOnce } from './idempotency.ts';
import { type BackfillOf, insertBackfill, type NewBackfill, previewBackfill } from './new-backfills.ts';
import { cutPage, decodeCursor, encodeCursor } from './pages.ts';
import { projectIdOf } from './projects.ts';
import type { Once, PageRequest, RunToStart } from './store.ts';
import { type OpenBackfill, readOpenBackfills, tendBackfill } from './tend-backfills.ts';

export interface BackfillFilter {
  readonly project: string;
  /** The name of one. */
  readonly schedule?: string | undefined;
}

export interface Backfills {
  /**
   * @throws CodedError PROJECT_UNKNOWN, GRAPH_UNKNOWN, SCHEDULE_UNKNOWN, SCHEDULE_UNREADABLE, BACKFILL_INVALID, PARAMS_INVALID,
   * SELECTION_INVALID, TOO_MANY_BACKFILLS
   */
  create(backfill: NewBackfill, once?: Once<BackfillView>): Promise<BackfillView>;
  /** What one would do. @throws CodedError PROJECT_UNKNOWN, SCHEDULE_UNKNOWN, SCHEDULE_UNREADABLE, BACKFILL_INVALID */
  preview(backfill: BackfillOf): Promise<BackfillPreview>;
  /** @throws CodedError BACKFILL_UNKNOWN */
  get(id: string): Promise<BackfillView>;
  /** Newest first. @throws CodedError PROJECT_UNKNOWN */
  list(filter: BackfillFilter, page: PageRequest): Promise<Page<BackfillView>>;
  /** No more runs are made. @throws CodedError BACKFILL_UNKNOWN, BACKFILL_HAS_ENDED */
  cancel(cancel: BackfillCancel, once?: Once<CancelledBackfill>): Promise<CancelledBackfill>;
  /**
   * It goes on where it was stopped.
   * @throws CodedError BACKFILL_UNKNOWN, BACKFILL_IS_OPEN, BACKFILL_IS_DONE, SCHEDULE_UNKNOWN, TOO_MANY_BACKFILLS
   */
  resume(resume: BackfillResume, once?: Once<BackfillView>): Promise<BackfillView>;

  /** That have not ended, the due ones first. */
  open(most: number): Promise<OpenBackfill[]>;
  /** Makes its next runs, as many as may be open; answers with those that are to be started. */
  tend(of: { readonly id: string; readonly actor: string }): Promise<readonly RunToStart[]>;
}

export function createBackfills(database: Database, cache: GraphCache): Backfills {
  return {
    create: (backfill, once) =>
      database.transaction((client) =>
        answerOnce(client, once, () => insertBackfill(client, cache, backfill)),
      ),
    preview: (backfill) => database.snapshot((client) => previewBackfill(client, backfill)),
    get: async (id) => toBackfillView(await readBackfill(database.pool, id)),
    list: (filter, page) => listBackfills(database, filter, page),
    cancel: (cancel, once) =>
      database.transaction((client) => answerOnce(client, once, () => cancelBackfill(client, cancel))),
    resume: (resume, once) =>
      database.transaction((client) => answerOnce(client, once, () => resumeBackfill(client, resume))),
    open: (most) => readOpenBackfills(database.pool, most),
    tend: (of) => tendBackfill(database, cache, of),
  };
}

async function listBackfills(database: Database, { project, schedule }: BackfillFilter, page: PageRequest) {
  const cursor = decodeCursor(page);
  const found = await database.pool.query<BackfillRow>(
    `${selectBackfill} WHERE b.project_id = $2 AND ($3::text IS NULL OR s.name = $3)
       AND ($4::timestamptz IS NULL OR (b.created_at, b.id) < ($4::timestamptz, $5::uuid))
     ORDER BY b.created_at DESC, b.id DESC LIMIT $1`,
    [
      page.limit + 1,
      await projectIdOf(database, project),
      schedule ?? null,
      ...[cursor?.createdAt ?? null, cursor?.id ?? null],
    ],
  );
  return cutPage(found.rows, page.limit, toBackfillView, (row) =>
    encodeCursor({ createdAt: row.created_at, id: row.id }),
  );
}
