CREATE TABLE intel_feed (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  head BIGINT NOT NULL,
  records BIGINT NOT NULL,
  licence TEXT NOT NULL,
  etag TEXT NOT NULL,
  modified TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  newest_at BIGINT NOT NULL,
  tried_at BIGINT NOT NULL,
  done_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  failed TEXT NOT NULL,
  holder TEXT NOT NULL,
  held_at BIGINT NOT NULL
);
CREATE TABLE intel_import (
  id TEXT PRIMARY KEY,
  feed TEXT NOT NULL,
  number BIGINT NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size BIGINT NOT NULL,
  counts TEXT NOT NULL
);
CREATE INDEX intel_import_feed ON intel_import (feed, id);
CREATE TABLE intel_vulnerability (
  id TEXT PRIMARY KEY,
  sort TEXT NOT NULL
);
CREATE INDEX intel_vulnerability_sort ON intel_vulnerability (sort, id);
CREATE TABLE intel_record (
  id TEXT PRIMARY KEY,
  feed TEXT NOT NULL,
  slot TEXT NOT NULL,
  kind TEXT NOT NULL,
  vulnerability TEXT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  digest TEXT NOT NULL,
  at BIGINT NOT NULL,
  products BIGINT NOT NULL,
  facts BYTEA NOT NULL,
  statements BYTEA NOT NULL
);
CREATE INDEX intel_record_slot ON intel_record (feed, slot);
CREATE INDEX intel_record_vulnerability ON intel_record (vulnerability, kind);
CREATE INDEX intel_record_until ON intel_record (feed, until) WHERE until > 0;
CREATE TABLE intel_product (
  key TEXT NOT NULL,
  record_id TEXT NOT NULL,
  PRIMARY KEY (key, record_id)
);
CREATE INDEX intel_product_record ON intel_product (record_id);
CREATE TABLE intel_ware (
  key TEXT PRIMARY KEY
);
CREATE TABLE intel_alias (
  alias TEXT NOT NULL,
  record_id TEXT NOT NULL,
  vulnerability TEXT NOT NULL,
  PRIMARY KEY (alias, record_id)
);
CREATE INDEX intel_alias_record ON intel_alias (record_id);
