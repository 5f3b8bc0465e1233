CREATE TABLE exposure_org (
  org_id TEXT PRIMARY KEY,
  dependents BIGINT NOT NULL
);
CREATE TABLE exposure_sector (
  sector TEXT NOT NULL,
  org_id TEXT NOT NULL,
  PRIMARY KEY (sector, org_id)
);
CREATE INDEX exposure_sector_org ON exposure_sector (org_id);
CREATE TABLE exposure_subject (
  item_id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  product_key TEXT NOT NULL,
  identity BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX exposure_subject_product ON exposure_subject (product_key, org_id, item_id);
CREATE INDEX exposure_subject_org ON exposure_subject (org_id, item_id, revision);
CREATE TABLE exposure_key (
  key TEXT NOT NULL,
  product_key TEXT NOT NULL,
  org_id TEXT NOT NULL,
  entries BIGINT NOT NULL,
  PRIMARY KEY (key, product_key, org_id)
);
CREATE INDEX exposure_key_product ON exposure_key (product_key, key);
CREATE TABLE exposure_group (
  product_key TEXT NOT NULL,
  org_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  entries BIGINT NOT NULL,
  stale BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  PRIMARY KEY (product_key, org_id)
);
CREATE INDEX exposure_group_stale ON exposure_group (org_id, product_key) WHERE stale > 0;
CREATE INDEX exposure_group_next ON exposure_group (next_at) WHERE next_at > 0;
CREATE TABLE exposure_row (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  vulnerability TEXT NOT NULL,
  product_key TEXT NOT NULL,
  verdict BIGINT NOT NULL,
  certainty BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  devices BIGINT NOT NULL,
  priority BIGINT NOT NULL,
  exploited BIGINT NOT NULL,
  rank BIGINT NOT NULL,
  state TEXT NOT NULL,
  open BIGINT NOT NULL,
  review TEXT NOT NULL,
  verdict_id TEXT NOT NULL,
  found_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  digest TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  UNIQUE (product_key, org_id, vulnerability)
);
CREATE INDEX exposure_row_vulnerability ON exposure_row (vulnerability, org_id);
CREATE INDEX exposure_row_next ON exposure_row (open, rank, id);
CREATE INDEX exposure_row_new ON exposure_row (open, found_at, id);
CREATE INDEX exposure_row_org_next ON exposure_row (org_id, open, rank, id);
CREATE INDEX exposure_row_org_new ON exposure_row (org_id, open, found_at, id);
CREATE TABLE exposure_part (
  row_id TEXT NOT NULL,
  operated_by TEXT NOT NULL,
  org_id TEXT NOT NULL,
  verdict BIGINT NOT NULL,
  certainty BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  devices BIGINT NOT NULL,
  priority BIGINT NOT NULL,
  rank BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (row_id, operated_by)
);
CREATE INDEX exposure_part_operated ON exposure_part (operated_by, org_id, rank, row_id);
CREATE TABLE exposure_verdict (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  vulnerability TEXT NOT NULL,
  product_key TEXT NOT NULL,
  justification TEXT NOT NULL,
  state TEXT NOT NULL,
  attacked BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  person TEXT NOT NULL,
  by_org TEXT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX exposure_verdict_of ON exposure_verdict (org_id, product_key, vulnerability, state);
CREATE INDEX exposure_verdict_until ON exposure_verdict (until_at) WHERE state = 'kept' AND until_at > 0;
CREATE TABLE exposure_past (
  id TEXT PRIMARY KEY,
  row_id TEXT NOT NULL,
  what TEXT NOT NULL,
  at BIGINT NOT NULL,
  person TEXT NOT NULL,
  by_org TEXT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX exposure_past_row ON exposure_past (row_id, id);
CREATE TABLE exposure_name (
  org_id TEXT NOT NULL,
  maker_key TEXT NOT NULL,
  ware_key TEXT NOT NULL,
  maker_name TEXT NOT NULL,
  ware_name TEXT NOT NULL,
  state TEXT NOT NULL,
  cpe TEXT NOT NULL,
  purl TEXT NOT NULL,
  at BIGINT NOT NULL,
  person TEXT NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (org_id, maker_key, ware_key)
);
CREATE TABLE exposure_run (
  id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  after_key TEXT NOT NULL,
  ended_at BIGINT NOT NULL,
  counts TEXT NOT NULL
);
