-- Whether a run of a schedule was open at a time.
CREATE INDEX "graph_run_of_schedule" ON "graph_run" ("schedule_id", "completed_at", "started_at") WHERE "schedule_id" IS NOT NULL;
