-- The execution that was told of the cancel of a job in its graph run; another one is told again.
ALTER TABLE "job_run" ADD COLUMN "cancel_told_to" TEXT;
