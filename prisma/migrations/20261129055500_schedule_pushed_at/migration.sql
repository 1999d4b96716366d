-- When Temporal was given the last change of a schedule: what it fired until then is of what the schedule was before.
ALTER TABLE "schedule" ADD COLUMN "pushed_at" TIMESTAMPTZ(3);
