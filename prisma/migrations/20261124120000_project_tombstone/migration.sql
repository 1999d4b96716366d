-- CreateTable
CREATE TABLE "project_tombstone" (
    "name" TEXT NOT NULL,
    "token" BIGINT NOT NULL,
    "problem" TEXT,
    "retry_at" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_by" TEXT NOT NULL,

    CONSTRAINT "project_tombstone_pkey" PRIMARY KEY ("name")
);
