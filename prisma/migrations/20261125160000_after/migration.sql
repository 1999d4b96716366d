-- Runs of one project that start when a run of another has succeeded.
ALTER TYPE "run_origin" ADD VALUE 'after';
ALTER TABLE "project" ADD COLUMN "after_project" TEXT,
  ADD COLUMN "after_since" TIMESTAMPTZ(3);
CREATE INDEX "project_after_project_idx" ON "project" ("after_project");
ALTER TABLE "graph_run" ADD COLUMN "after_run_id" UUID;

-- The watch follows the successes of the feed, from the number that it came to.
CREATE INDEX "event_success" ON "event" ("number") WHERE "type" = 'graph_run' AND "state" = 'SUCCESS';
ALTER TABLE "watch" ADD COLUMN "followed_to" BIGINT NOT NULL DEFAULT 0;
UPDATE "watch" SET "followed_to" = (SELECT "last" FROM "event_counter");
