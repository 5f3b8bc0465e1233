CREATE TABLE exposure_touch (
  item_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  entry_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (item_id, org_id, entry_id)
);
CREATE INDEX exposure_touch_entry ON exposure_touch (org_id, entry_id);
CREATE TABLE exposure_touched (
  item_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  entries BIGINT NOT NULL,
  known BIGINT NOT NULL,
  clearance BIGINT NOT NULL,
  valid_until BIGINT NOT NULL,
  found_at BIGINT NOT NULL,
  PRIMARY KEY (item_id, org_id)
);
CREATE INDEX exposure_touched_org ON exposure_touched (org_id, item_id);
CREATE TABLE exposure_turn (
  org_id TEXT PRIMARY KEY,
  turn BIGINT NOT NULL
);
