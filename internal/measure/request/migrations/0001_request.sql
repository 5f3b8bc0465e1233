CREATE TABLE measure_request (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  harm TEXT NOT NULL,
  state TEXT NOT NULL,
  purpose TEXT NOT NULL,
  case_id TEXT NOT NULL,
  chain_id TEXT NOT NULL,
  step BIGINT NOT NULL,
  way TEXT NOT NULL,
  gone BIGINT NOT NULL,
  digest TEXT NOT NULL,
  xarf_id TEXT NOT NULL,
  provider_tag TEXT NOT NULL,
  carrier_org TEXT NOT NULL,
  mail_id TEXT NOT NULL,
  writer TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  ask_by BIGINT NOT NULL,
  checked_at BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  answered_at BIGINT NOT NULL,
  gone_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX measure_request_number ON measure_request (number);
CREATE INDEX measure_request_org ON measure_request (org_id, id);
CREATE INDEX measure_request_chain ON measure_request (chain_id, id);
CREATE INDEX measure_request_carrier ON measure_request (carrier_org, id);
CREATE INDEX measure_request_next ON measure_request (next_at, id);
CREATE TABLE measure_request_past (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  act TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  side TEXT NOT NULL,
  person TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX measure_request_past_request ON measure_request_past (request_id, id);
CREATE TABLE measure_request_mail (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  way TEXT NOT NULL,
  digest TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  writer TEXT NOT NULL,
  sender TEXT NOT NULL,
  intent TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  meant_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  why TEXT NOT NULL,
  heard TEXT NOT NULL,
  heard_why TEXT NOT NULL
);
CREATE INDEX measure_request_mail_request ON measure_request_mail (request_id, id);
CREATE INDEX measure_request_mail_heard ON measure_request_mail (heard, id);
CREATE TABLE measure_request_answer (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  says TEXT NOT NULL,
  digest TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  came_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX measure_request_answer_request ON measure_request_answer (request_id, id);
CREATE TABLE measure_request_desk (
  org_id TEXT PRIMARY KEY,
  sealed BYTEA NOT NULL,
  one_enough BIGINT NOT NULL,
  follow_days BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE TABLE measure_request_lookup (
  org_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (org_id, tag)
);
CREATE INDEX measure_request_lookup_at ON measure_request_lookup (org_id, at);
