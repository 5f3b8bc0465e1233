ALTER TABLE intel_item ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE intel_item ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE intel_item ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
ALTER TABLE intel_item ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';
ALTER TABLE intel_item ADD COLUMN valid_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE intel_item ADD COLUMN moved_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX intel_item_state ON intel_item (state, id);
CREATE TABLE intel_item_past (
  item_id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (item_id, revision)
);
CREATE TABLE intel_item_file (
  item_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
