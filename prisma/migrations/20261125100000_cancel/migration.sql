-- Who asked for the cancel of a run, when and why. The request is of one epoch: in a later one it counts no more, so that
-- nothing has to be cleared.
ALTER TABLE "graph_run" ADD COLUMN "cancel_requested_at" TIMESTAMPTZ(3),
  ADD COLUMN "cancel_requested_by" TEXT,
  ADD COLUMN "cancel_note" TEXT,
  ADD COLUMN "cancel_epoch" INTEGER,
  ADD COLUMN "is_cancelling" BOOLEAN GENERATED ALWAYS AS ("cancel_epoch" IS NOT DISTINCT FROM "epoch" AND "completed_at" IS NULL) STORED;
ALTER TABLE "job_run" ADD COLUMN "cancel_requested_at" TIMESTAMPTZ(3),
  ADD COLUMN "cancel_requested_by" TEXT,
  ADD COLUMN "cancel_note" TEXT,
  ADD COLUMN "cancel_epoch" INTEGER,
  ADD COLUMN "is_cancelling" BOOLEAN GENERATED ALWAYS AS ("cancel_epoch" IS NOT DISTINCT FROM "epoch" AND "completed_at" IS NULL) STORED;

-- What is being cancelled is looked after every second. Only the end of a run that was cancelled is not written in place:
-- of all others the columns of these indexes stay false.
CREATE INDEX "graph_run_cancelling" ON "graph_run" ("id") WHERE "is_cancelling";
CREATE INDEX "job_run_cancelling" ON "job_run" ("id") WHERE "is_cancelling";

-- Why somebody did what an event tells.
ALTER TABLE "event" ADD COLUMN "note" TEXT;
