-- AlterTable
ALTER TABLE "job_run" ADD COLUMN     "params" JSONB;
