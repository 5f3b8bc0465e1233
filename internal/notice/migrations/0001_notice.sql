CREATE TABLE notice_notice (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  from_org TEXT NOT NULL,
  person TEXT NOT NULL,
  stage TEXT NOT NULL,
  auto BIGINT NOT NULL,
  about TEXT NOT NULL,
  severity TEXT NOT NULL,
  clearance BIGINT NOT NULL,
  answer_by BIGINT NOT NULL,
  fix_by BIGINT NOT NULL,
  known_at BIGINT NOT NULL,
  attack_at BIGINT NOT NULL,
  corrects TEXT NOT NULL,
  corrected_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_why BYTEA NOT NULL,
  revision BIGINT NOT NULL,
  recipients BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX notice_notice_from ON notice_notice (from_org, updated_at, id);
CREATE INDEX notice_notice_auto ON notice_notice (from_org, about, auto, stage);
CREATE TABLE notice_recipient (
  id TEXT PRIMARY KEY,
  notice_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  from_org TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  tier BIGINT NOT NULL,
  silent BIGINT NOT NULL,
  versions TEXT NOT NULL,
  devices BIGINT NOT NULL,
  state TEXT NOT NULL,
  planned_for TEXT NOT NULL,
  shown BIGINT NOT NULL,
  delivered_at BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  answered_at BIGINT NOT NULL,
  fixed_at BIGINT NOT NULL,
  reminded_at BIGINT NOT NULL,
  escalated BIGINT NOT NULL,
  step BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX notice_recipient_notice ON notice_recipient (notice_id, tier, id);
CREATE INDEX notice_recipient_org ON notice_recipient (org_id, delivered_at, id);
CREATE INDEX notice_recipient_parent ON notice_recipient (parent_id, id);
CREATE INDEX notice_recipient_next ON notice_recipient (next_at, id);
CREATE UNIQUE INDEX notice_recipient_once ON notice_recipient (notice_id, parent_id, org_id) WHERE org_id <> '';
CREATE TABLE notice_answer (
  id TEXT PRIMARY KEY,
  recipient_id TEXT NOT NULL,
  state TEXT NOT NULL,
  at BIGINT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  corrects BIGINT NOT NULL,
  owner TEXT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX notice_answer_recipient ON notice_answer (recipient_id, id);
CREATE TABLE notice_outbox (
  id TEXT PRIMARY KEY,
  notice_id TEXT NOT NULL,
  recipient_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  kind TEXT NOT NULL,
  contact BIGINT NOT NULL,
  due BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  problem TEXT NOT NULL
);
CREATE INDEX notice_outbox_due ON notice_outbox (done_at, due, id);
CREATE INDEX notice_outbox_recipient ON notice_outbox (recipient_id, id);
CREATE TABLE notice_link (
  digest TEXT PRIMARY KEY,
  recipient_id TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
);
CREATE INDEX notice_link_recipient ON notice_link (recipient_id);
CREATE TABLE notice_ticket (
  id TEXT PRIMARY KEY,
  recipient_id TEXT NOT NULL,
  notice_id TEXT NOT NULL,
  desk TEXT NOT NULL,
  org_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  severity TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  due BIGINT NOT NULL,
  taken_at BIGINT NOT NULL,
  taken_by TEXT NOT NULL,
  answered_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL
);
CREATE INDEX notice_ticket_desk ON notice_ticket (desk, state, due, id);
CREATE INDEX notice_ticket_recipient ON notice_ticket (recipient_id, id);
CREATE TABLE notice_found (
  vulnerability TEXT NOT NULL,
  org_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (vulnerability, org_id)
);
