-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "run_state" AS ENUM ('PENDING', 'RUNNING', 'FAILED', 'SUCCESS');

-- CreateEnum
CREATE TYPE "run_origin" AS ENUM ('api', 'temporal', 'schedule');

-- CreateEnum
CREATE TYPE "api_key_role" AS ENUM ('viewer', 'editor', 'admin');

-- CreateTable
CREATE TABLE "project" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "timezone" TEXT NOT NULL,
    "current_version" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "graph_version" (
    "project_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "definition" JSONB NOT NULL,
    "graph" JSONB NOT NULL,
    "hash" TEXT NOT NULL,
    "job_count" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "graph_version_pkey" PRIMARY KEY ("project_id","version")
);

-- CreateTable
CREATE TABLE "job" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "graph_run" (
    "id" UUID NOT NULL,
    "project_id" UUID,
    "project_name" TEXT NOT NULL,
    "version" INTEGER,
    "state" "run_state" NOT NULL DEFAULT 'PENDING',
    "reason" TEXT,
    "error" JSONB,
    "params" JSONB NOT NULL DEFAULT '{}',
    "select" TEXT[],
    "selective" BOOLEAN NOT NULL DEFAULT false,
    "origin" "run_origin" NOT NULL,
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "workflow_id" TEXT NOT NULL,
    "first_execution_run_id" TEXT,
    "schedule_id" UUID,
    "scheduled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "graph_run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "job_run" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "graph_run_id" UUID,
    "version" INTEGER NOT NULL,
    "place" INTEGER NOT NULL DEFAULT 0,
    "state" "run_state" NOT NULL DEFAULT 'PENDING',
    "reason" TEXT,
    "error" JSONB,
    "output" TEXT,
    "output_hash" TEXT,
    "output_bytes" INTEGER,
    "epoch" INTEGER NOT NULL DEFAULT 1,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "fence_run_id" TEXT,
    "fence_scheduled_at" TIMESTAMPTZ(3),
    "workflow_id" TEXT,
    "first_execution_run_id" TEXT,
    "origin" "run_origin" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_by" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "job_run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attempt" (
    "job_run_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "run_id" TEXT NOT NULL,
    "scheduled_at" TIMESTAMPTZ(3) NOT NULL,
    "state" "run_state" NOT NULL,
    "reason" TEXT,
    "error" JSONB,
    "worker" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("job_run_id","number")
);

-- CreateTable
CREATE TABLE "task" (
    "run_id" TEXT NOT NULL,
    "workflow_id" TEXT NOT NULL,
    "first_execution_run_id" TEXT NOT NULL,
    "graph_run_id" UUID,
    "job_run_id" UUID,
    "epoch" INTEGER NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "opened_by" TEXT NOT NULL,
    "closed_at" TIMESTAMPTZ(3),
    "closed_by" TEXT,

    CONSTRAINT "task_pkey" PRIMARY KEY ("run_id")
);

-- CreateTable
CREATE TABLE "schedule" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "spec" JSONB NOT NULL,
    "params" JSONB NOT NULL DEFAULT '{}',
    "select" TEXT[],
    "selective" BOOLEAN NOT NULL DEFAULT false,
    "paused" BOOLEAN NOT NULL DEFAULT false,
    "note" TEXT,
    "origin" "run_origin" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" TEXT NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "schedule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event" (
    "number" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "type" TEXT NOT NULL,
    "project" TEXT NOT NULL,
    "graph_run_id" UUID,
    "job_run_id" UUID,
    "job" TEXT,
    "state" "run_state",
    "reason" TEXT,
    "epoch" INTEGER,
    "attempt" INTEGER,
    "actor" TEXT NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("number")
);

-- CreateTable
CREATE TABLE "event_counter" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "last" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "event_counter_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "file" (
    "id" UUID NOT NULL,
    "project_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "sha256" TEXT,
    "completed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "file_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "file_chunk" (
    "file_id" UUID NOT NULL,
    "place" INTEGER NOT NULL,
    "content" BYTEA NOT NULL,

    CONSTRAINT "file_chunk_pkey" PRIMARY KEY ("file_id","place")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "role" "api_key_role" NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "project_name_key" ON "project"("name");

-- CreateIndex
CREATE UNIQUE INDEX "job_project_id_key_key" ON "job"("project_id", "key");

-- CreateIndex
CREATE UNIQUE INDEX "job_project_id_id_key" ON "job"("project_id", "id");

-- CreateIndex
CREATE INDEX "graph_run_project_id_created_at_id_idx" ON "graph_run"("project_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "graph_run_created_at_id_idx" ON "graph_run"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "graph_run_schedule_id_scheduled_at_idx" ON "graph_run"("schedule_id", "scheduled_at");

-- CreateIndex
CREATE UNIQUE INDEX "graph_run_project_id_id_key" ON "graph_run"("project_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "graph_run_workflow_id_first_execution_run_id_key" ON "graph_run"("workflow_id", "first_execution_run_id");

-- CreateIndex
CREATE INDEX "job_run_graph_run_id_place_idx" ON "job_run"("graph_run_id", "place");

-- CreateIndex
CREATE INDEX "job_run_job_id_created_at_id_idx" ON "job_run"("job_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "job_run_graph_run_id_job_id_key" ON "job_run"("graph_run_id", "job_id");

-- CreateIndex
CREATE UNIQUE INDEX "job_run_workflow_id_first_execution_run_id_key" ON "job_run"("workflow_id", "first_execution_run_id");

-- CreateIndex
CREATE UNIQUE INDEX "attempt_job_run_id_run_id_scheduled_at_key" ON "attempt"("job_run_id", "run_id", "scheduled_at");

-- CreateIndex
CREATE INDEX "task_graph_run_id_opened_at_idx" ON "task"("graph_run_id", "opened_at");

-- CreateIndex
CREATE INDEX "task_job_run_id_opened_at_idx" ON "task"("job_run_id", "opened_at");

-- CreateIndex
CREATE INDEX "task_workflow_id_idx" ON "task"("workflow_id");

-- CreateIndex
CREATE UNIQUE INDEX "schedule_project_id_name_key" ON "schedule"("project_id", "name");

-- CreateIndex
CREATE INDEX "event_project_number_idx" ON "event"("project", "number");

-- CreateIndex
CREATE INDEX "event_graph_run_id_number_idx" ON "event"("graph_run_id", "number");

-- CreateIndex
CREATE INDEX "file_project_id_name_idx" ON "file"("project_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_name_key" ON "api_key"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- AddForeignKey
ALTER TABLE "graph_version" ADD CONSTRAINT "graph_version_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "job" ADD CONSTRAINT "job_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "graph_run" ADD CONSTRAINT "graph_run_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "graph_run" ADD CONSTRAINT "graph_run_version_fkey" FOREIGN KEY ("project_id", "version") REFERENCES "graph_version"("project_id", "version") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "graph_run" ADD CONSTRAINT "graph_run_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedule"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "job_run" ADD CONSTRAINT "job_run_project_id_job_id_fkey" FOREIGN KEY ("project_id", "job_id") REFERENCES "job"("project_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "job_run" ADD CONSTRAINT "job_run_graph_run_fkey" FOREIGN KEY ("project_id", "graph_run_id") REFERENCES "graph_run"("project_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_job_run_id_fkey" FOREIGN KEY ("job_run_id") REFERENCES "job_run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_graph_run_id_fkey" FOREIGN KEY ("graph_run_id") REFERENCES "graph_run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task" ADD CONSTRAINT "task_job_run_id_fkey" FOREIGN KEY ("job_run_id") REFERENCES "job_run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule" ADD CONSTRAINT "schedule_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file" ADD CONSTRAINT "file_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_chunk" ADD CONSTRAINT "file_chunk_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "file"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema cannot say: constraints that make wrong states impossible, whoever writes the row.

ALTER TABLE "graph_run"
  ADD CONSTRAINT "graph_run_state_reason" CHECK (
    CASE "state"
      WHEN 'PENDING' THEN "reason" IS NULL OR "reason" IN ('slot', 'gate')
      WHEN 'RUNNING' THEN "reason" IS NULL OR "reason" IN ('paused', 'stuck')
      WHEN 'FAILED' THEN "reason" IS NOT NULL AND "reason" IN ('job_failed', 'cancelled', 'terminated', 'timed_out', 'invalid', 'start_failed', 'gate_timed_out', 'lost')
      WHEN 'SUCCESS' THEN "reason" IS NULL
    END),
  ADD CONSTRAINT "graph_run_times" CHECK (
    ("completed_at" IS NOT NULL) = ("state" IN ('FAILED', 'SUCCESS'))
    AND ("started_at" IS NOT NULL OR "state" NOT IN ('RUNNING', 'SUCCESS'))),
  ADD CONSTRAINT "graph_run_project" CHECK (
    ("project_id" IS NOT NULL AND "version" IS NOT NULL) OR ("state" = 'FAILED' AND "reason" = 'invalid')),
  ADD CONSTRAINT "graph_run_epoch" CHECK ("epoch" >= 1);

ALTER TABLE "job_run"
  ADD CONSTRAINT "job_run_state_reason" CHECK (
    CASE "state"
      WHEN 'PENDING' THEN "reason" IS NULL OR "reason" IN ('slot', 'retry', 'paused')
      WHEN 'RUNNING' THEN "reason" IS NULL OR "reason" = 'external'
      WHEN 'FAILED' THEN "reason" IS NOT NULL AND "reason" IN ('error', 'timed_out', 'cancelled', 'terminated', 'upstream_failed', 'lost')
      WHEN 'SUCCESS' THEN "reason" IS NULL OR "reason" IN ('up_to_date', 'skipped')
    END),
  ADD CONSTRAINT "job_run_times" CHECK (
    ("completed_at" IS NOT NULL) = ("state" IN ('FAILED', 'SUCCESS'))
    AND ("started_at" IS NOT NULL OR "state" <> 'RUNNING')),
  ADD CONSTRAINT "job_run_output" CHECK (
    ("output" IS NULL OR "state" = 'SUCCESS')
    AND ("output" IS NULL) = ("output_hash" IS NULL)
    AND ("output" IS NULL) = ("output_bytes" IS NULL)),
  ADD CONSTRAINT "job_run_fence" CHECK (("fence_run_id" IS NULL) = ("fence_scheduled_at" IS NULL)),
  -- A job in a graph run is carried out by the run's own workflow; a lone one has its own.
  ADD CONSTRAINT "job_run_workflow" CHECK (("graph_run_id" IS NULL) = ("workflow_id" IS NOT NULL)),
  ADD CONSTRAINT "job_run_counts" CHECK ("epoch" >= 1 AND "attempts" >= 0);

ALTER TABLE "attempt"
  ADD CONSTRAINT "attempt_state_reason" CHECK (
    CASE "state"
      WHEN 'RUNNING' THEN "reason" IS NULL OR "reason" = 'external'
      WHEN 'FAILED' THEN "reason" IS NOT NULL AND "reason" IN ('error', 'timed_out', 'cancelled', 'terminated', 'lost')
      WHEN 'SUCCESS' THEN "reason" IS NULL OR "reason" IN ('up_to_date', 'skipped')
      ELSE false
    END),
  ADD CONSTRAINT "attempt_times" CHECK (("completed_at" IS NOT NULL) = ("state" IN ('FAILED', 'SUCCESS'))),
  ADD CONSTRAINT "attempt_number" CHECK ("number" >= 1);

-- One try at a time: a new one ends what is left of the one before.
CREATE UNIQUE INDEX "attempt_one_open" ON "attempt" ("job_run_id") WHERE "completed_at" IS NULL;

ALTER TABLE "task"
  ADD CONSTRAINT "task_subject" CHECK (("graph_run_id" IS NULL) <> ("job_run_id" IS NULL)),
  ADD CONSTRAINT "task_closed" CHECK (("closed_at" IS NULL) = ("closed_by" IS NULL));

-- One execution at a time carries out a run.
CREATE UNIQUE INDEX "task_one_open_of_graph_run" ON "task" ("graph_run_id") WHERE "closed_at" IS NULL;
CREATE UNIQUE INDEX "task_one_open_of_job_run" ON "task" ("job_run_id") WHERE "closed_at" IS NULL;

-- One complete file of a name; those that still arrive stand beside it.
CREATE UNIQUE INDEX "file_one_complete" ON "file" ("project_id", "name") WHERE "completed_at" IS NOT NULL;

ALTER TABLE "file"
  ADD CONSTRAINT "file_complete" CHECK (("completed_at" IS NULL) = ("sha256" IS NULL) AND "bytes" >= 0);

ALTER TABLE "event_counter" ADD CONSTRAINT "event_counter_single" CHECK ("id" = 1);
INSERT INTO "event_counter" ("id", "last") VALUES (1, 0);

-- What waits to be started or ended is found without a walk through all that is done.
CREATE INDEX "graph_run_open" ON "graph_run" ("created_at") WHERE "completed_at" IS NULL;
CREATE INDEX "job_run_open_alone" ON "job_run" ("created_at") WHERE "completed_at" IS NULL AND "graph_run_id" IS NULL;

-- Room for updates in place: each of these rows is written two or three times.
ALTER TABLE "job_run" SET (fillfactor = 70);
ALTER TABLE "graph_run" SET (fillfactor = 70);
ALTER TABLE "attempt" SET (fillfactor = 70);

-- Tokens of the warehouse's fence: one order over all attempts of all runs.
CREATE SEQUENCE "fence_token" AS bigint;
