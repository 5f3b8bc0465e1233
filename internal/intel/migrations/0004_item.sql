CREATE TABLE intel_item (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  state TEXT NOT NULL,
  tlp TEXT NOT NULL,
  clearance BIGINT NOT NULL,
  reliability TEXT NOT NULL,
  credibility BIGINT NOT NULL,
  origin TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  published_at BIGINT NOT NULL,
  withdrawn_at BIGINT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX intel_item_org ON intel_item (org_id, id);
CREATE TABLE intel_item_to (
  item_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  PRIMARY KEY (item_id, org_id)
);
CREATE TABLE intel_item_tag (
  tag TEXT NOT NULL,
  item_id TEXT NOT NULL,
  PRIMARY KEY (tag, item_id)
);
