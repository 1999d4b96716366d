-- AlterTable
ALTER TABLE "file" ADD COLUMN     "replaced_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "job_run" ADD COLUMN     "kind" TEXT NOT NULL DEFAULT '';

-- A run keeps the kind that it ran as, whatever the job becomes later.
UPDATE "job_run" r SET "kind" = j."kind" FROM "job" j WHERE j."id" = r."job_id";

-- A file that was replaced stays for those who read it.
DROP INDEX "file_one_complete";
CREATE UNIQUE INDEX "file_one_complete" ON "file" ("project_id", "name") WHERE "completed_at" IS NOT NULL AND "replaced_at" IS NULL;
