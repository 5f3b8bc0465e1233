CREATE TABLE hunt_serial (
  org_id TEXT NOT NULL,
  year BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (org_id, year)
);
CREATE TABLE hunt_rulebook (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  editions BIGINT NOT NULL,
  at BIGINT NOT NULL,
  retired_at BIGINT NOT NULL
);
CREATE INDEX hunt_rulebook_org ON hunt_rulebook (org_id, id);
CREATE TABLE hunt_edition (
  rulebook_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  org_id TEXT NOT NULL,
  sum TEXT NOT NULL,
  files BIGINT NOT NULL,
  rules BIGINT NOT NULL,
  correlations BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  blob TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (rulebook_id, number)
);
CREATE TABLE hunt_hunt (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  number TEXT NOT NULL,
  state TEXT NOT NULL,
  conclusion TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  entry TEXT NOT NULL,
  at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE UNIQUE INDEX hunt_hunt_number ON hunt_hunt (org_id, number);
CREATE INDEX hunt_hunt_org ON hunt_hunt (org_id, id);
CREATE TABLE hunt_run (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  hunt_id TEXT NOT NULL,
  key TEXT NOT NULL,
  parts BIGINT NOT NULL,
  detections BIGINT NOT NULL,
  groups BIGINT NOT NULL,
  beyond BIGINT NOT NULL,
  quiet BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  entry TEXT NOT NULL,
  at BIGINT NOT NULL,
  done_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX hunt_run_key ON hunt_run (hunt_id, key);
CREATE INDEX hunt_run_hunt ON hunt_run (org_id, hunt_id, id);
-- place orders findings: the gravest first, of one level the newest.
CREATE TABLE hunt_finding (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  hunt_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  rule_tag TEXT NOT NULL,
  host_tag TEXT NOT NULL,
  user_tag TEXT NOT NULL,
  place BIGINT NOT NULL,
  count BIGINT NOT NULL,
  quiet BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  decision TEXT NOT NULL,
  suppression TEXT NOT NULL,
  released_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE UNIQUE INDEX hunt_finding_tag ON hunt_finding (run_id, tag);
CREATE INDEX hunt_finding_org ON hunt_finding (org_id, place, id);
CREATE INDEX hunt_finding_hunt ON hunt_finding (org_id, hunt_id, place, id);
CREATE INDEX hunt_finding_run ON hunt_finding (org_id, run_id, place, id);
CREATE INDEX hunt_finding_state ON hunt_finding (org_id, hunt_id, state, place, id);
CREATE INDEX hunt_finding_rule ON hunt_finding (org_id, rule_tag, place, id);
CREATE INDEX hunt_finding_host ON hunt_finding (org_id, host_tag, place, id);
CREATE INDEX hunt_finding_user ON hunt_finding (org_id, user_tag, place, id);
CREATE TABLE hunt_example (
  finding_id TEXT PRIMARY KEY,
  sealed BYTEA NOT NULL
);
CREATE TABLE hunt_attack (
  finding_id TEXT NOT NULL,
  technique TEXT NOT NULL,
  org_id TEXT NOT NULL,
  place BIGINT NOT NULL,
  PRIMARY KEY (finding_id, technique)
);
CREATE INDEX hunt_attack_org ON hunt_attack (org_id, technique, place, finding_id);
CREATE TABLE hunt_decision (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  state TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  count BIGINT NOT NULL,
  at BIGINT NOT NULL,
  undone_at BIGINT NOT NULL,
  undone BIGINT NOT NULL,
  many BIGINT NOT NULL,
  kept BIGINT NOT NULL
);
CREATE INDEX hunt_decision_org ON hunt_decision (org_id, many, id);
CREATE INDEX hunt_decision_kept ON hunt_decision (org_id, kept, many, id);
CREATE TABLE hunt_decided (
  decision_id TEXT NOT NULL,
  finding_id TEXT NOT NULL,
  was_state TEXT NOT NULL,
  was_decision TEXT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (decision_id, finding_id)
);
CREATE TABLE hunt_release (
  finding_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  org_id TEXT NOT NULL,
  sighting_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (finding_id, tag)
);
CREATE TABLE hunt_suppression (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  offer_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
);
CREATE INDEX hunt_suppression_org ON hunt_suppression (org_id, id);
CREATE INDEX hunt_suppression_offer ON hunt_suppression (offer_id, org_id);
CREATE TABLE hunt_offer (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  suppression_id TEXT NOT NULL,
  named BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  withdrawn_at BIGINT NOT NULL
);
CREATE INDEX hunt_offer_suppression ON hunt_offer (suppression_id);
