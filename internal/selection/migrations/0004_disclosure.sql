CREATE TABLE selection_disclosure (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  recipient_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  consent_id TEXT NOT NULL,
  basis TEXT NOT NULL,
  records BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_disclosure_run ON selection_disclosure (run_id, id);
CREATE INDEX selection_disclosure_recipient ON selection_disclosure (recipient_id, id);
CREATE TABLE selection_disclosed (
  disclosure_id TEXT NOT NULL,
  record_id TEXT NOT NULL,
  PRIMARY KEY (disclosure_id, record_id)
);
CREATE INDEX selection_disclosed_record ON selection_disclosed (record_id, disclosure_id);
CREATE TABLE selection_custody (
  approval_id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  public TEXT NOT NULL,
  first TEXT NOT NULL,
  second TEXT NOT NULL,
  first_share BYTEA NOT NULL,
  second_share BYTEA NOT NULL,
  first_at BIGINT NOT NULL,
  second_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_custody_first ON selection_custody (first, approval_id);
CREATE INDEX selection_custody_second ON selection_custody (second, approval_id);
CREATE TABLE selection_opening (
  id TEXT PRIMARY KEY,
  approval_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL,
  subjects BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  second_at BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_opening_key ON selection_opening (key_id, id);
CREATE INDEX selection_opening_org ON selection_opening (org_id, id);
