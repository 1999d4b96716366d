-- Schedules that fire no more are kept, when Temporal forgets them.
ALTER TABLE "schedule"
  ADD COLUMN "ended_at" TIMESTAMPTZ(3),
  ADD COLUMN "ended_by" TEXT,
  ADD CONSTRAINT "schedule_ended_by" CHECK ("ended_by" IN ('times', 'limit') AND "ended_at" IS NOT NULL OR "ended_by" IS NULL AND "ended_at" IS NULL);
