-- How many runs of a project may be open, by its current graph. `has_line`: others wait, in the order of their numbers.
ALTER TABLE "project" ADD COLUMN "max_open_runs" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "has_line" BOOLEAN NOT NULL DEFAULT false;

CREATE SEQUENCE "line_number" AS bigint;
ALTER TABLE "graph_run" ADD COLUMN "line_number" BIGINT;

-- What waits for a worker is looked after every second; thousands that wait for another run are not.
DROP INDEX "graph_run_waiting";
ALTER TABLE "graph_run" DROP COLUMN "is_waiting";
ALTER TABLE "graph_run" ADD COLUMN "is_waiting" BOOLEAN
  GENERATED ALWAYS AS ("state" = 'PENDING' AND "reason" IS DISTINCT FROM 'slot') STORED;
CREATE INDEX "graph_run_waiting" ON "graph_run" ("created_at") WHERE "is_waiting";
CREATE INDEX "graph_run_in_line" ON "graph_run" ("project_id", "line_number") WHERE "state" = 'PENDING' AND "reason" = 'slot';

-- Those that are counted. The end of a graph run is not written in place for it, once a run.
CREATE INDEX "graph_run_open" ON "graph_run" ("project_id") WHERE "completed_at" IS NULL AND "reason" IS DISTINCT FROM 'slot';
