CREATE TABLE vendor_case (
  id TEXT PRIMARY KEY,
  number TEXT NOT NULL,
  org_id TEXT NOT NULL,
  starter TEXT NOT NULL,
  basis TEXT NOT NULL,
  vulnerability TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  tlp TEXT NOT NULL,
  clearance BIGINT NOT NULL,
  embargo_until BIGINT NOT NULL,
  embargo_zone TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX vendor_case_number ON vendor_case (number);
CREATE INDEX vendor_case_org ON vendor_case (org_id, id);
CREATE INDEX vendor_case_starter ON vendor_case (starter, id);
CREATE TABLE vendor_sector (
  case_id TEXT NOT NULL,
  sector TEXT NOT NULL,
  PRIMARY KEY (case_id, sector)
);
CREATE INDEX vendor_sector_case ON vendor_sector (sector, case_id);
CREATE TABLE vendor_request (
  id TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  org_id TEXT NOT NULL,
  state TEXT NOT NULL,
  waits TEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  answered_at BIGINT NOT NULL,
  released_at BIGINT NOT NULL,
  told_at BIGINT NOT NULL,
  notice TEXT NOT NULL,
  reminded BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX vendor_request_case ON vendor_request (case_id, org_id);
CREATE INDEX vendor_request_maker ON vendor_request (org_id, due_at, id);
CREATE INDEX vendor_request_due ON vendor_request (due_at, id);
CREATE INDEX vendor_request_next ON vendor_request (next_at, id);
CREATE TABLE vendor_product (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  case_id TEXT NOT NULL,
  status TEXT NOT NULL,
  fix TEXT NOT NULL,
  fix_on TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX vendor_product_request ON vendor_product (request_id, id);
CREATE INDEX vendor_product_case ON vendor_product (case_id, request_id, status);
CREATE TABLE vendor_step (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  org_id TEXT NOT NULL,
  side TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX vendor_step_request ON vendor_step (request_id, id);
CREATE TABLE vendor_document (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  came BIGINT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  step TEXT NOT NULL,
  stated_at BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  size BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX vendor_document_request ON vendor_document (request_id, id);
CREATE INDEX vendor_document_stated ON vendor_document (came, stated_at, id);
