-- One time of a schedule that makes no run, though it is fired.
ALTER TABLE "schedule" ADD COLUMN "skip_at" TIMESTAMPTZ(3);
