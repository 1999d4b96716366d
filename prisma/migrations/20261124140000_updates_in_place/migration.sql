-- An update is written in place (HOT) only when no column of an index changes, its condition included. The end of every
-- job changes completed_at, which stood in the condition of one small index: each end wrote to all indexes of job_run.
-- What waits to be started is now found by what its start sets, which an index holds anyway.
DROP INDEX "graph_run_open";
DROP INDEX "job_run_open_alone";
CREATE INDEX "graph_run_unopened" ON "graph_run" ("created_at") WHERE "first_execution_run_id" IS NULL;
CREATE INDEX "job_run_unopened_alone" ON "job_run" ("created_at")
  WHERE "first_execution_run_id" IS NULL AND "graph_run_id" IS NULL;

-- Only a job that is run alone has a workflow of its own; all others need no entry here.
DROP INDEX "job_run_workflow_id_first_execution_run_id_key";
CREATE UNIQUE INDEX "job_run_one_of_execution" ON "job_run" ("workflow_id", "first_execution_run_id")
  WHERE "workflow_id" IS NOT NULL;

-- An end needs as much room again as the row that waited for it, and all rows of a page may end in one transaction, so
-- that nothing of it can be reused: with 70, a quarter of them moved to another page.
ALTER TABLE "job_run" SET (fillfactor = 50);
