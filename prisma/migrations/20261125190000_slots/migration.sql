-- A time of a schedule makes one run. Set when the run is made or opened, and no more after that.
ALTER TABLE "graph_run" ADD COLUMN "is_slot" BOOLEAN NOT NULL DEFAULT false;
CREATE UNIQUE INDEX "graph_run_slot" ON "graph_run" ("schedule_id", "scheduled_at") WHERE "is_slot";
