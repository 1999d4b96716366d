-- Who marked a failed job as done by hand, when, why and with which output (JSON text). The mark is of one epoch: a resume keeps
-- the job for it, as SUCCESS/marked; where the job runs again it counts no more.
ALTER TABLE "job_run" ADD COLUMN "marked_at" TIMESTAMPTZ(3),
  ADD COLUMN "marked_by" TEXT,
  ADD COLUMN "mark_note" TEXT,
  ADD COLUMN "mark_output" TEXT,
  ADD COLUMN "mark_epoch" INTEGER;

ALTER TABLE "job_run" DROP CONSTRAINT "job_run_state_reason",
  ADD CONSTRAINT "job_run_state_reason" CHECK (
    CASE "state"
      WHEN 'PENDING' THEN "reason" IS NULL OR "reason" IN ('slot', 'retry')
      WHEN 'RUNNING' THEN "reason" IS NULL OR "reason" = 'external'
      WHEN 'FAILED' THEN "reason" IS NOT NULL AND "reason" IN ('error', 'timed_out', 'cancelled', 'terminated', 'upstream_failed', 'lost')
      WHEN 'SUCCESS' THEN "reason" IS NULL OR "reason" IN ('up_to_date', 'skipped', 'marked')
    END);
