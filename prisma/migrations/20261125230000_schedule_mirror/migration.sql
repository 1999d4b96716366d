-- What is done to schedules with Temporal's own tools.
ALTER TABLE "schedule"
  ADD COLUMN "temporal_spec" JSONB,
  ADD COLUMN "seen" TEXT,
  DROP CONSTRAINT "schedule_form",
  ADD CONSTRAINT "schedule_form" CHECK ("form" IN ('plain', 'utc', 'temporal'));
