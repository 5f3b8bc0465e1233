CREATE TABLE approval_case (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  extends TEXT NOT NULL,
  carrier TEXT NOT NULL,
  party TEXT NOT NULL,
  link_tag TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  outcome BYTEA NOT NULL,
  paper BYTEA NOT NULL,
  instruction BYTEA NOT NULL,
  digest TEXT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  cap_packets BIGINT NOT NULL,
  cap_bytes BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  examined_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  confirmed_at BIGINT NOT NULL,
  open_questions BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX approval_case_number ON approval_case (number);
CREATE INDEX approval_case_org ON approval_case (org_id, id);
CREATE INDEX approval_case_state ON approval_case (state, until_at, id);
CREATE INDEX approval_case_carrier ON approval_case (carrier, id);
CREATE INDEX approval_case_party ON approval_case (party, id);
CREATE INDEX approval_case_link ON approval_case (link_tag, id);
CREATE INDEX approval_case_kind ON approval_case (kind, id);
CREATE INDEX approval_case_extends ON approval_case (extends, id);
CREATE TABLE approval_target (
  approval_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (approval_id, tag)
);
CREATE INDEX approval_target_tag ON approval_target (tag, approval_id);
CREATE TABLE approval_person (
  approval_id TEXT NOT NULL,
  person TEXT NOT NULL,
  side TEXT NOT NULL,
  PRIMARY KEY (approval_id, person, side)
);
CREATE TABLE approval_opinion (
  approval_id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE approval_compared (
  approval_id TEXT NOT NULL,
  other_id TEXT NOT NULL,
  PRIMARY KEY (approval_id, other_id)
);
CREATE TABLE approval_vote (
  id TEXT PRIMARY KEY,
  approval_id TEXT NOT NULL,
  person TEXT NOT NULL,
  org_id TEXT NOT NULL,
  choice TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX approval_vote_case ON approval_vote (approval_id, id);
CREATE TABLE approval_step (
  id TEXT PRIMARY KEY,
  approval_id TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  side TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX approval_step_case ON approval_step (approval_id, id);
CREATE TABLE approval_use (
  id TEXT PRIMARY KEY,
  approval_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  verb TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  packets BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX approval_use_case ON approval_use (approval_id, id);
CREATE INDEX approval_use_open ON approval_use (ended_at, id);
CREATE TABLE approval_refusal (
  id TEXT PRIMARY KEY,
  approval_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  verb TEXT NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX approval_refusal_case ON approval_refusal (approval_id, id);
