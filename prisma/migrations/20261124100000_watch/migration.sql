-- AlterTable
ALTER TABLE "event" ALTER COLUMN "project" DROP NOT NULL;

-- CreateTable
CREATE TABLE "watch" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "listed_until" TIMESTAMPTZ(3),
    "watched_until" TIMESTAMPTZ(3),
    "turn_ended_at" TIMESTAMPTZ(3),
    "lag_ms" BIGINT NOT NULL DEFAULT 0,
    "is_behind" BOOLEAN NOT NULL DEFAULT false,
    "started" BIGINT NOT NULL DEFAULT 0,
    "opened" BIGINT NOT NULL DEFAULT 0,
    "adopted" BIGINT NOT NULL DEFAULT 0,
    "ended" BIGINT NOT NULL DEFAULT 0,
    "stuck" BIGINT NOT NULL DEFAULT 0,
    "recovered" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "watch_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "watch" ADD CONSTRAINT "watch_single" CHECK ("id" = 1);
INSERT INTO "watch" ("id") VALUES (1);
