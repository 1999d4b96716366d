-- Schedules: each change is a row first; how much of it Temporal has is told by the revision that it took last.
DROP INDEX "schedule_project_id_name_key";
ALTER TABLE "schedule" RENAME COLUMN "spec" TO "definition";
ALTER TABLE "schedule"
  DROP COLUMN "params",
  DROP COLUMN "select",
  DROP COLUMN "selective",
  ADD COLUMN "temporal_id" TEXT NOT NULL,
  ADD COLUMN "revision" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "pushed_revision" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "pushed_until" TIMESTAMPTZ(3),
  ADD COLUMN "pushed_limit" INTEGER,
  ADD COLUMN "form" TEXT,
  ADD COLUMN "push_problem" TEXT,
  ADD COLUMN "push_after" TIMESTAMPTZ(3),
  ADD CONSTRAINT "schedule_form" CHECK ("form" IN ('plain', 'utc')),
  ADD CONSTRAINT "schedule_revision" CHECK ("revision" >= 1 AND "pushed_revision" BETWEEN 0 AND "revision");

-- A deleted one stays for its runs, beside a new one of its name.
CREATE UNIQUE INDEX "schedule_one_of_name" ON "schedule" ("project_id", "name") WHERE "deleted_at" IS NULL;
CREATE INDEX "schedule_unpushed" ON "schedule" ("id") WHERE "pushed_revision" < "revision";
CREATE INDEX "schedule_pushed_until" ON "schedule" ("pushed_until") WHERE "deleted_at" IS NULL;

-- Those of a deleted project, which Temporal still has.
ALTER TABLE "project_tombstone" ADD COLUMN "schedules" TEXT[] NOT NULL DEFAULT '{}';

ALTER TABLE "event" ADD COLUMN "schedule" TEXT;
