-- When outages kept runs of a schedule from their begin: what waited for these is late for the outage.
ALTER TABLE "schedule" ADD COLUMN "held" tstzmultirange NOT NULL DEFAULT '{}'::tstzmultirange;
