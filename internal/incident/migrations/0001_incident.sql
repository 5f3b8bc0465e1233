CREATE TABLE incident_case (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  org_id TEXT NOT NULL,
  sector TEXT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  class TEXT NOT NULL,
  severity TEXT NOT NULL,
  tlp TEXT NOT NULL,
  submitted_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  hold_at BIGINT NOT NULL DEFAULT 0,
  hold_why BYTEA,
  retain_until BIGINT NOT NULL,
  purged_at BIGINT NOT NULL DEFAULT 0,
  stages TEXT NOT NULL
);
CREATE INDEX incident_case_retain ON incident_case (retain_until) WHERE purged_at = 0;
CREATE TABLE incident_version (
  case_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  stage TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (case_id, version)
);
CREATE TABLE incident_desk (
  org_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  mine BIGINT NOT NULL,
  sector TEXT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  state TEXT NOT NULL,
  severity TEXT NOT NULL,
  waiting BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (org_id, case_id)
);
CREATE INDEX incident_desk_list ON incident_desk (org_id, updated_at, case_id);
CREATE INDEX incident_desk_waiting ON incident_desk (org_id, waiting, updated_at, case_id);
CREATE TABLE incident_delivery (
  case_id TEXT NOT NULL,
  profile TEXT NOT NULL,
  role TEXT NOT NULL,
  org_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  version BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  acked_version BIGINT NOT NULL DEFAULT 0,
  acked_at BIGINT NOT NULL DEFAULT 0,
  acked_number TEXT NOT NULL DEFAULT '',
  acked_by TEXT NOT NULL DEFAULT '',
  acked_entry TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (case_id, profile, role, org_id)
);
CREATE TABLE incident_draft (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  revision BIGINT NOT NULL,
  person TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX incident_draft_org ON incident_draft (org_id, updated_at, id);
CREATE TABLE incident_reading (
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  what TEXT NOT NULL,
  purpose TEXT NOT NULL,
  at BIGINT NOT NULL,
  hidden_until BIGINT NOT NULL DEFAULT 0,
  entry TEXT NOT NULL DEFAULT ''
);
CREATE INDEX incident_reading_case ON incident_reading (case_id, id);
CREATE TABLE incident_delay (
  case_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  ground TEXT NOT NULL,
  note BYTEA NOT NULL,
  until BIGINT NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (case_id, org_id, at)
);
CREATE TABLE incident_supervision (
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  reason BYTEA NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  decided_by TEXT NOT NULL DEFAULT '',
  decided_at BIGINT NOT NULL DEFAULT 0,
  ends_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX incident_supervision_case ON incident_supervision (case_id, org_id, id);
CREATE TABLE incident_feedback (
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX incident_feedback_case ON incident_feedback (case_id, id);
