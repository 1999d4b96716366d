-- Who paused a run, when and why; null while it goes on. Pauses and unpauses of a run are counted, and Temporal is told by
-- number: `pause_told` is the last that its workflow has.
ALTER TABLE "graph_run" ADD COLUMN "paused_at" TIMESTAMPTZ(3),
  ADD COLUMN "paused_by" TEXT,
  ADD COLUMN "pause_note" TEXT,
  ADD COLUMN "pause_number" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "pause_told" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "is_pause_untold" BOOLEAN GENERATED ALWAYS AS ("pause_number" > "pause_told" AND "completed_at" IS NULL) STORED,
  ADD CONSTRAINT "graph_run_paused" CHECK (("paused_at" IS NULL) = ("paused_by" IS NULL));

-- Looked after every second; false of all runs that nobody pauses, so that their ends are written in place.
CREATE INDEX "graph_run_pause_untold" ON "graph_run" ("id") WHERE "is_pause_untold";

-- `paused` is computed from these, of a run and of its jobs.
ALTER TABLE "graph_run" DROP CONSTRAINT "graph_run_state_reason",
  ADD CONSTRAINT "graph_run_state_reason" CHECK (
    CASE "state"
      WHEN 'PENDING' THEN "reason" IS NULL OR "reason" IN ('slot', 'gate')
      WHEN 'RUNNING' THEN "reason" IS NULL OR "reason" = 'stuck'
      WHEN 'FAILED' THEN "reason" IS NOT NULL AND "reason" IN ('job_failed', 'cancelled', 'terminated', 'timed_out', 'invalid', 'start_failed', 'gate_timed_out', 'lost')
      WHEN 'SUCCESS' THEN "reason" IS NULL
    END);
ALTER TABLE "job_run" DROP CONSTRAINT "job_run_state_reason",
  ADD CONSTRAINT "job_run_state_reason" CHECK (
    CASE "state"
      WHEN 'PENDING' THEN "reason" IS NULL OR "reason" IN ('slot', 'retry')
      WHEN 'RUNNING' THEN "reason" IS NULL OR "reason" = 'external'
      WHEN 'FAILED' THEN "reason" IS NOT NULL AND "reason" IN ('error', 'timed_out', 'cancelled', 'terminated', 'upstream_failed', 'lost')
      WHEN 'SUCCESS' THEN "reason" IS NULL OR "reason" IN ('up_to_date', 'skipped')
    END);
