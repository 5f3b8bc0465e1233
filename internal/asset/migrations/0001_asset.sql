CREATE TABLE asset_register (
  org_id TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  items BIGINT NOT NULL,
  statements BIGINT NOT NULL,
  designated TEXT NOT NULL,
  used TEXT NOT NULL,
  affects TEXT NOT NULL
);
CREATE TABLE asset_item (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  maker TEXT NOT NULL,
  product TEXT NOT NULL,
  maker_name TEXT NOT NULL,
  product_name TEXT NOT NULL,
  maker_key TEXT NOT NULL,
  product_key TEXT NOT NULL,
  quantity BIGINT NOT NULL,
  service TEXT NOT NULL,
  operated_by TEXT NOT NULL,
  introduced TEXT NOT NULL,
  changed TEXT NOT NULL,
  support_ends TEXT NOT NULL,
  hint BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  source TEXT NOT NULL,
  revision BIGINT NOT NULL,
  confirmed_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_org TEXT NOT NULL
);
CREATE INDEX asset_item_key ON asset_item (org_id, key, id);
CREATE INDEX asset_item_product ON asset_item (org_id, maker_key, product_key, id);
CREATE INDEX asset_item_confirmed ON asset_item (org_id, confirmed_at, id);
CREATE INDEX asset_item_support ON asset_item (org_id, support_ends, id);
CREATE INDEX asset_item_operated ON asset_item (org_id, operated_by, key, id);
CREATE TABLE asset_product (
  org_id TEXT NOT NULL,
  maker_key TEXT NOT NULL,
  product_key TEXT NOT NULL,
  maker_name TEXT NOT NULL,
  product_name TEXT NOT NULL,
  entries BIGINT NOT NULL,
  PRIMARY KEY (org_id, maker_key, product_key)
);
CREATE TABLE asset_change (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  what TEXT NOT NULL,
  at BIGINT NOT NULL,
  person TEXT NOT NULL,
  by_org TEXT NOT NULL,
  entry TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX asset_change_item ON asset_change (org_id, item_id, id);
CREATE INDEX asset_change_what ON asset_change (org_id, what, id);
CREATE TABLE asset_preview (
  token TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  person TEXT NOT NULL,
  revision BIGINT NOT NULL,
  remove BIGINT NOT NULL,
  counts TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  file BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX asset_preview_org ON asset_preview (org_id, created_at);
CREATE INDEX asset_preview_expires ON asset_preview (expires_at);
CREATE TABLE asset_statement (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  number BIGINT NOT NULL,
  sector TEXT NOT NULL,
  introduced BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  withdrawn BIGINT NOT NULL,
  entries BIGINT NOT NULL,
  devices BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  person TEXT NOT NULL,
  entry TEXT NOT NULL,
  at BIGINT NOT NULL,
  waiting BIGINT NOT NULL DEFAULT 0,
  UNIQUE (org_id, number)
);
CREATE TABLE asset_delivery (
  statement_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  role TEXT NOT NULL,
  via TEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  opened_at BIGINT NOT NULL DEFAULT 0,
  acked_at BIGINT NOT NULL DEFAULT 0,
  acked_number TEXT NOT NULL DEFAULT '',
  acked_by TEXT NOT NULL DEFAULT '',
  acked_entry TEXT NOT NULL DEFAULT '',
  waiting BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (statement_id, org_id)
);
CREATE INDEX asset_delivery_org ON asset_delivery (org_id, sent_at, statement_id);
CREATE INDEX asset_delivery_waiting ON asset_delivery (org_id, waiting, sent_at, statement_id);
