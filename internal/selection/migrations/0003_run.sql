CREATE TABLE selection_run (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  agreement_id TEXT NOT NULL,
  list_id TEXT NOT NULL,
  use_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  place TEXT NOT NULL,
  basis TEXT NOT NULL,
  state TEXT NOT NULL,
  outcome TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  beat_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  retain_until BIGINT NOT NULL,
  extended BIGINT NOT NULL,
  records BIGINT NOT NULL,
  pages BIGINT NOT NULL,
  erased BIGINT NOT NULL,
  packets BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  chain TEXT NOT NULL,
  statement TEXT NOT NULL,
  counter TEXT NOT NULL,
  vault_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_run_org ON selection_run (org_id, id);
CREATE INDEX selection_run_approval ON selection_run (approval_id, id);
CREATE INDEX selection_run_state ON selection_run (state, beat_at);
CREATE TABLE selection_record (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  provenance TEXT NOT NULL,
  selector TEXT NOT NULL,
  personal BIGINT NOT NULL,
  start_at BIGINT NOT NULL,
  retain_until BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX selection_record_run ON selection_record (run_id, id);
CREATE INDEX selection_record_due ON selection_record (retain_until, run_id);
CREATE INDEX selection_record_approval ON selection_record (approval_id, id);
CREATE TABLE selection_reading (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  reader_org TEXT NOT NULL,
  person TEXT NOT NULL,
  purpose TEXT NOT NULL,
  consent_id TEXT NOT NULL,
  records BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX selection_reading_run ON selection_reading (run_id, id);
CREATE TABLE selection_receipt (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  why TEXT NOT NULL,
  records BIGINT NOT NULL,
  digest TEXT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_receipt_run ON selection_receipt (run_id, id);
CREATE INDEX selection_receipt_org ON selection_receipt (org_id, id);
CREATE TABLE selection_extension (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  until_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_extension_run ON selection_extension (run_id, id);
