-- Tells Temporal that has lost its data from one whose schedules were deleted.
ALTER TABLE "watch" ADD COLUMN "namespace_id" TEXT;
