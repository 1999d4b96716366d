-- Jobs that were run alone, newest first: few among the many that belong to graph runs.
CREATE INDEX "job_run_alone" ON "job_run" ("created_at" DESC, "id" DESC) WHERE "graph_run_id" IS NULL;
