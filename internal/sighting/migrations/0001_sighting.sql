CREATE TABLE sighting_fact (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  what TEXT NOT NULL,
  type TEXT NOT NULL,
  tag TEXT NOT NULL,
  vulnerability TEXT NOT NULL,
  count BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  origin TEXT NOT NULL,
  ref TEXT NOT NULL,
  tlp TEXT NOT NULL,
  clearance BIGINT NOT NULL,
  named BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  entry TEXT NOT NULL,
  at BIGINT NOT NULL,
  withdrawn_at BIGINT NOT NULL
);
CREATE INDEX sighting_fact_org ON sighting_fact (org_id, id);
CREATE INDEX sighting_fact_tag ON sighting_fact (tag, id);
CREATE INDEX sighting_fact_vulnerability ON sighting_fact (vulnerability, id);
