CREATE TABLE measure_case (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  partner TEXT NOT NULL,
  server_tag TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX measure_case_number ON measure_case (number);
CREATE INDEX measure_case_server ON measure_case (server_tag, id);
CREATE TABLE measure_chain (
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL,
  facts TEXT NOT NULL,
  plan TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  use_id TEXT NOT NULL,
  order_until BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  declared_at BIGINT NOT NULL,
  notice_due_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  noticed_at BIGINT NOT NULL,
  review_due_at BIGINT NOT NULL,
  settled_at BIGINT NOT NULL,
  alarmed_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX measure_chain_case ON measure_chain (case_id, org_id);
CREATE INDEX measure_chain_body ON measure_chain (body, id);
CREATE INDEX measure_chain_org ON measure_chain (org_id, case_id);
CREATE INDEX measure_chain_state ON measure_chain (state, id);
CREATE INDEX measure_chain_due ON measure_chain (noticed_at, notice_due_at, id);
CREATE TABLE measure_officer (
  chain_id TEXT NOT NULL,
  person TEXT NOT NULL,
  name BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (chain_id, person)
);
CREATE INDEX measure_officer_person ON measure_officer (person, chain_id);
CREATE TABLE measure_person (
  case_id TEXT NOT NULL,
  person TEXT NOT NULL,
  side TEXT NOT NULL,
  PRIMARY KEY (case_id, person, side)
);
CREATE TABLE measure_act (
  id TEXT PRIMARY KEY,
  chain_id TEXT NOT NULL,
  act TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  side TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX measure_act_chain ON measure_act (chain_id, act, id);
CREATE TABLE measure_step (
  id TEXT PRIMARY KEY,
  chain_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  phase TEXT NOT NULL,
  first_person TEXT NOT NULL,
  second_person TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  intended_at BIGINT NOT NULL,
  gone_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  outcome TEXT NOT NULL
);
CREATE INDEX measure_step_chain ON measure_step (chain_id, id);
CREATE TABLE measure_switch (
  org_id TEXT NOT NULL,
  side TEXT NOT NULL,
  shut BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (org_id, side)
);
