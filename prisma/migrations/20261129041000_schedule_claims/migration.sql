-- Who tells Temporal of a schedule, and what of it is newer there.
ALTER TABLE "schedule"
  ADD COLUMN "push_claim" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "seen_paused" BOOLEAN,
  ADD COLUMN "seen_note" TEXT,
  ADD COLUMN "defined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  ADD COLUMN "defined_revision" INTEGER NOT NULL DEFAULT 1;
UPDATE "schedule" SET "defined_at" = "updated_at",
  "defined_revision" = CASE WHEN "pushed_revision" < "revision" THEN "revision" ELSE 1 END,
  "seen_paused" = CASE WHEN "pushed_revision" = "revision" THEN "paused" END,
  "seen_note" = CASE WHEN "pushed_revision" = "revision" THEN coalesce("note", '') END;
