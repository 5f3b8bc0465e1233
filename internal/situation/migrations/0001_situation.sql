CREATE TABLE situation_event (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  state TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  tlp TEXT NOT NULL,
  clearance BIGINT NOT NULL,
  every_hours BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  reports BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX situation_event_number ON situation_event (number);
CREATE INDEX situation_event_next ON situation_event (next_at, id);
CREATE TABLE situation_participant (
  event_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  part TEXT NOT NULL,
  incidents BIGINT NOT NULL,
  tasks BIGINT NOT NULL,
  decisions BIGINT NOT NULL,
  reports BIGINT NOT NULL,
  people BIGINT NOT NULL,
  added_at BIGINT NOT NULL,
  PRIMARY KEY (org_id, event_id)
);
CREATE INDEX situation_participant_event ON situation_participant (event_id, org_id);
CREATE TABLE situation_incident (
  event_id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  number TEXT NOT NULL,
  kind TEXT NOT NULL,
  sector TEXT NOT NULL,
  severity TEXT NOT NULL,
  by_org TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (event_id, incident_id)
);
CREATE TABLE situation_task (
  id TEXT PRIMARY KEY,
  event_id TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  by_org TEXT NOT NULL,
  state TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE INDEX situation_task_event ON situation_task (event_id, id);
CREATE INDEX situation_task_owner ON situation_task (owner_id, state, due_at);
CREATE TABLE situation_need (
  event_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  needs_id TEXT NOT NULL,
  PRIMARY KEY (event_id, task_id, needs_id)
);
CREATE TABLE situation_decision (
  id TEXT PRIMARY KEY,
  event_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  addressed BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX situation_decision_event ON situation_decision (event_id, id);
CREATE TABLE situation_addressee (
  decision_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  PRIMARY KEY (decision_id, org_id)
);
CREATE TABLE situation_report (
  event_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  by_org TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (event_id, version)
);
CREATE TABLE situation_log (
  id TEXT PRIMARY KEY,
  event_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  what TEXT NOT NULL,
  ref TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX situation_log_event ON situation_log (event_id, id);
