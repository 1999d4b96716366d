-- Several: one that has passed may still be fired when the next is skipped.
ALTER TABLE "schedule" ADD COLUMN "skipped" TIMESTAMPTZ(3)[] DEFAULT ARRAY[]::TIMESTAMPTZ(3)[];
UPDATE "schedule" SET "skipped" = ARRAY["skip_at"] WHERE "skip_at" IS NOT NULL;
ALTER TABLE "schedule" DROP COLUMN "skip_at";
