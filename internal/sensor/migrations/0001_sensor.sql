CREATE TABLE sensor_source (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  basis TEXT NOT NULL,
  full_names BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  entry TEXT NOT NULL,
  at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);
CREATE INDEX sensor_source_org ON sensor_source (org_id, id);
CREATE TABLE sensor_reading (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  packets BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  records BIGINT NOT NULL,
  lost BIGINT NOT NULL,
  broken BIGINT NOT NULL,
  evicted BIGINT NOT NULL,
  findings BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX sensor_reading_source ON sensor_reading (source_id, id);
CREATE TABLE sensor_finding (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  kind TEXT NOT NULL,
  score BIGINT NOT NULL,
  rank BIGINT NOT NULL,
  state TEXT NOT NULL,
  times BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  note BYTEA NOT NULL,
  taken_by TEXT NOT NULL,
  until_at BIGINT NOT NULL,
  released_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE UNIQUE INDEX sensor_finding_tag ON sensor_finding (org_id, tag);
CREATE INDEX sensor_finding_rank ON sensor_finding (org_id, rank, last_at, id);
