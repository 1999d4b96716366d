-- Slots that jobs of all graphs share. What is held or waited for is told by the claims alone.
CREATE TABLE "pool" (
    "name" TEXT NOT NULL,
    "slots" INTEGER NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "pool_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "pool_claim" (
    "job_run_id" UUID NOT NULL,
    "pool" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "slots" INTEGER NOT NULL,
    "is_one_of_many" BOOLEAN NOT NULL,
    "priority" INTEGER NOT NULL,
    "number" BIGINT NOT NULL,
    "asked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "granted_at" TIMESTAMPTZ(3),
    "told_at" TIMESTAMPTZ(3),

    CONSTRAINT "pool_claim_pkey" PRIMARY KEY ("job_run_id","pool")
);

ALTER TABLE "pool_claim" ADD CONSTRAINT "pool_claim_job_run_id_fkey" FOREIGN KEY ("job_run_id") REFERENCES "job_run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "pool" ADD CONSTRAINT "pool_slots" CHECK ("slots" >= 1);
ALTER TABLE "pool_claim" ADD CONSTRAINT "pool_claim_slots" CHECK ("slots" >= 1),
  ADD CONSTRAINT "pool_claim_told" CHECK ("told_at" IS NULL OR "granted_at" IS NOT NULL);

CREATE INDEX "pool_claim_waiting" ON "pool_claim" ("pool", "priority" DESC, "number") WHERE "granted_at" IS NULL;
CREATE INDEX "pool_claim_linked" ON "pool_claim" ("pool") WHERE "granted_at" IS NULL AND "is_one_of_many";
CREATE INDEX "pool_claim_held" ON "pool_claim" ("pool") WHERE "granted_at" IS NOT NULL;
CREATE INDEX "pool_claim_untold" ON "pool_claim" ("granted_at") WHERE "granted_at" IS NOT NULL AND "told_at" IS NULL;

CREATE SEQUENCE "claim_number" AS bigint;
