ALTER TABLE selection_run ADD COLUMN ways TEXT NOT NULL DEFAULT '';
ALTER TABLE selection_run ADD COLUMN made_up BIGINT NOT NULL DEFAULT 0;
ALTER TABLE selection_run ADD COLUMN used_packets BIGINT NOT NULL DEFAULT 0;
ALTER TABLE selection_run ADD COLUMN used_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE selection_run ADD COLUMN kept_packets BIGINT NOT NULL DEFAULT 0;
ALTER TABLE selection_run ADD COLUMN kept_bytes BIGINT NOT NULL DEFAULT 0;
CREATE TABLE selection_found (
  run_id TEXT NOT NULL,
  selector TEXT NOT NULL,
  packets BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  records BIGINT NOT NULL,
  PRIMARY KEY (run_id, selector)
);
