-- Runs that no worker has opened yet are compared with Temporal every second: they are found by an index that holds no
-- others. A column of its own, since the end of a run, which is written in place, may change no column of an index: this
-- one is false before and after it.
ALTER TABLE "graph_run" ADD COLUMN "is_waiting" BOOLEAN GENERATED ALWAYS AS ("state" = 'PENDING') STORED;
ALTER TABLE "job_run" ADD COLUMN "is_waiting_alone" BOOLEAN
  GENERATED ALWAYS AS ("graph_run_id" IS NULL AND "state" = 'PENDING') STORED;

DROP INDEX "graph_run_unopened";
DROP INDEX "job_run_unopened_alone";
CREATE INDEX "graph_run_waiting" ON "graph_run" ("created_at") WHERE "is_waiting";
CREATE INDEX "job_run_waiting_alone" ON "job_run" ("created_at") WHERE "is_waiting_alone";
