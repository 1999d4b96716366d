-- The next attempt of a job that waits for it is to begin at once: asked for when so many attempts had begun, so that nothing
-- has to be cleared.
ALTER TABLE "job_run" ADD COLUMN "retry_attempt" INTEGER,
  ADD COLUMN "is_retry_asked" BOOLEAN GENERATED ALWAYS AS (
    "state" = 'PENDING' AND "reason" IS NOT DISTINCT FROM 'retry' AND "retry_attempt" IS NOT DISTINCT FROM "attempts") STORED;

-- Looked after every second.
CREATE INDEX "job_run_retry_asked" ON "job_run" ("id") WHERE "is_retry_asked";
