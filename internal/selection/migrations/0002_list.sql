CREATE TABLE selection_list (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  state TEXT NOT NULL,
  person TEXT NOT NULL,
  second TEXT NOT NULL,
  before_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  draft_id TEXT NOT NULL,
  selectors BIGINT NOT NULL,
  kinds TEXT NOT NULL,
  warned BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  ready_at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_list_org ON selection_list (org_id, id);
CREATE INDEX selection_list_sha ON selection_list (sha256);
