CREATE TABLE oversight_paper (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  to_org TEXT NOT NULL,
  rule TEXT NOT NULL,
  entries TEXT NOT NULL,
  days BIGINT NOT NULL,
  drafter TEXT NOT NULL,
  proposer TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  due_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  reminded_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX oversight_paper_number ON oversight_paper (number);
CREATE INDEX oversight_paper_to ON oversight_paper (to_org, id);
CREATE INDEX oversight_paper_due ON oversight_paper (state, due_at, id);
CREATE TABLE oversight_past (
  id TEXT PRIMARY KEY,
  paper_id TEXT NOT NULL,
  act TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX oversight_past_paper ON oversight_past (paper_id, id);
CREATE TABLE oversight_plan (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  strata TEXT NOT NULL,
  since BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  entry TEXT NOT NULL,
  place BIGINT NOT NULL,
  root TEXT NOT NULL,
  seed TEXT NOT NULL,
  drawn_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX oversight_plan_number ON oversight_plan (number);
CREATE INDEX oversight_plan_drawn ON oversight_plan (drawn_at, id);
CREATE TABLE oversight_pick (
  plan_id TEXT NOT NULL,
  place BIGINT NOT NULL,
  kind TEXT NOT NULL,
  result TEXT NOT NULL,
  person TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (plan_id, place)
);
CREATE TABLE oversight_opening (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  asker TEXT NOT NULL,
  to_org TEXT NOT NULL,
  entry TEXT NOT NULL,
  verb TEXT NOT NULL,
  object TEXT NOT NULL,
  acted_at BIGINT NOT NULL,
  digest TEXT NOT NULL,
  state TEXT NOT NULL,
  ground TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  content BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  gone_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX oversight_opening_number ON oversight_opening (number);
CREATE INDEX oversight_opening_to ON oversight_opening (to_org, id);
CREATE INDEX oversight_opening_gone ON oversight_opening (state, gone_at, id);
CREATE TABLE oversight_mark (
  id TEXT PRIMARY KEY,
  size BIGINT NOT NULL,
  root TEXT NOT NULL,
  at BIGINT NOT NULL
);
