CREATE TABLE measure_order (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  chain_id TEXT NOT NULL,
  task TEXT NOT NULL,
  digest TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  use_id TEXT NOT NULL,
  actuator_id TEXT NOT NULL,
  asker TEXT NOT NULL,
  approver TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  shown BYTEA NOT NULL,
  fits BIGINT NOT NULL,
  warned BIGINT NOT NULL,
  asked_at BIGINT NOT NULL,
  dried_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  told_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  alarmed_at BIGINT NOT NULL,
  alarm TEXT NOT NULL,
  rules BIGINT NOT NULL,
  missing BIGINT NOT NULL,
  extra BIGINT NOT NULL,
  reason TEXT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX measure_order_number ON measure_order (number);
CREATE INDEX measure_order_org ON measure_order (org_id, id);
CREATE INDEX measure_order_chain ON measure_order (chain_id, id);
CREATE INDEX measure_order_state ON measure_order (state, id);
CREATE TABLE measure_order_act (
  id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL,
  act TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  person TEXT NOT NULL,
  side TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX measure_order_act_order ON measure_order_act (order_id, id);
CREATE TABLE measure_actuator (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  kinds TEXT NOT NULL,
  last_number BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  alarm TEXT NOT NULL,
  alarm_at BIGINT NOT NULL
);
CREATE INDEX measure_actuator_org ON measure_actuator (org_id, id);
CREATE TABLE measure_sequence (
  id BIGINT PRIMARY KEY,
  n BIGINT NOT NULL
);
INSERT INTO measure_sequence (id, n) VALUES (1, 0);
