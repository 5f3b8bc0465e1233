ALTER TABLE hunt_hunt ADD COLUMN hold_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE hunt_run ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX hunt_run_due ON hunt_run (removed_at, at);
CREATE INDEX hunt_finding_decision ON hunt_finding (decision) WHERE decision <> '';
