-- Runs of the times of a schedule that have passed, made by the watch: so many at once, in the order of `slots`.
ALTER TYPE "run_origin" ADD VALUE 'backfill';

CREATE TABLE "backfill" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "schedule_id" UUID NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "to_at" TIMESTAMPTZ(3) NOT NULL,
    "timezone" TEXT NOT NULL,
    "newest_first" BOOLEAN NOT NULL,
    "at_once" INTEGER NOT NULL,
    "again" BOOLEAN NOT NULL,
    "params" JSONB NOT NULL,
    "select" TEXT[],
    "selective" BOOLEAN NOT NULL,
    "slots" TIMESTAMPTZ(3)[],
    "handled" INTEGER NOT NULL DEFAULT 0,
    "skipped" INTEGER NOT NULL DEFAULT 0,
    "redo" UUID[] DEFAULT '{}',
    "note" TEXT,
    "stop_reason" TEXT,
    "stopped_at" TIMESTAMPTZ(3),
    "stopped_by" TEXT,
    "stop_note" TEXT,
    "problem" TEXT,
    "tended_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "backfill_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "backfill_at_once" CHECK ("at_once" >= 1),
    CONSTRAINT "backfill_progress" CHECK ("skipped" BETWEEN 0 AND "handled" AND "handled" <= cardinality("slots")),
    CONSTRAINT "backfill_stop" CHECK ("stop_reason" IN ('cancelled', 'invalid', 'schedule_deleted')
      AND "stopped_at" IS NOT NULL AND "stopped_by" IS NOT NULL OR "stop_reason" IS NULL)
);

CREATE INDEX "backfill_project_id_created_at_id_idx" ON "backfill"("project_id", "created_at" DESC, "id" DESC);
-- Those that the watch looks after.
CREATE INDEX "backfill_open" ON "backfill" ("project_id") WHERE "stop_reason" IS NULL AND "completed_at" IS NULL;

ALTER TABLE "backfill" ADD CONSTRAINT "backfill_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "backfill" ADD CONSTRAINT "backfill_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedule"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A backfill makes one run of each of its times, whether or not that is the one of its schedule.
ALTER TABLE "graph_run" ADD COLUMN "backfill_id" UUID;
ALTER TABLE "graph_run" ADD CONSTRAINT "graph_run_backfill_id_fkey" FOREIGN KEY ("backfill_id") REFERENCES "backfill"("id") ON DELETE SET NULL ON UPDATE CASCADE;
CREATE UNIQUE INDEX "graph_run_backfill_slot" ON "graph_run" ("backfill_id", "scheduled_at") WHERE "backfill_id" IS NOT NULL;
CREATE INDEX "graph_run_of_backfill" ON "graph_run" ("backfill_id", "created_at" DESC, "id" DESC) WHERE "backfill_id" IS NOT NULL;
CREATE INDEX "graph_run_backfill_open" ON "graph_run" ("backfill_id") WHERE "backfill_id" IS NOT NULL AND "completed_at" IS NULL;

ALTER TABLE "event" ADD COLUMN "backfill_id" UUID;
