CREATE TABLE org_organisation (
  id TEXT PRIMARY KEY,
  number TEXT UNIQUE,
  name_ja TEXT NOT NULL,
  name_en TEXT NOT NULL,
  kana TEXT NOT NULL,
  sort_key TEXT NOT NULL,
  search TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX org_organisation_sort ON org_organisation (sort_key, id);
CREATE TABLE org_kind (
  org_id TEXT NOT NULL REFERENCES org_organisation (id),
  kind TEXT NOT NULL,
  place BIGINT NOT NULL,
  PRIMARY KEY (org_id, kind)
);
CREATE INDEX org_kind_kind ON org_kind (kind, org_id);
CREATE TABLE org_sector (
  org_id TEXT NOT NULL REFERENCES org_organisation (id),
  sector TEXT NOT NULL,
  place BIGINT NOT NULL,
  PRIMARY KEY (org_id, sector)
);
CREATE INDEX org_sector_sector ON org_sector (sector, org_id);
CREATE TABLE org_contact (
  org_id TEXT NOT NULL REFERENCES org_organisation (id),
  place BIGINT NOT NULL,
  duty TEXT NOT NULL,
  name TEXT NOT NULL,
  department TEXT NOT NULL,
  mail TEXT NOT NULL,
  phone TEXT NOT NULL,
  PRIMARY KEY (org_id, place)
);
CREATE TABLE org_tie (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  customer_id TEXT NOT NULL REFERENCES org_organisation (id),
  number TEXT NOT NULL,
  name TEXT NOT NULL,
  services TEXT NOT NULL,
  state TEXT NOT NULL,
  other_id TEXT REFERENCES org_organisation (id),
  declared_at BIGINT NOT NULL,
  settled_at BIGINT NOT NULL,
  UNIQUE (customer_id, kind, number)
);
CREATE INDEX org_tie_number ON org_tie (number, state);
CREATE INDEX org_tie_other ON org_tie (other_id, state);
CREATE TABLE org_person (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES org_organisation (id),
  name TEXT NOT NULL,
  sort_key TEXT NOT NULL,
  mail TEXT NOT NULL,
  lang TEXT NOT NULL,
  clearance BIGINT NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE (org_id, mail)
);
CREATE INDEX org_person_sort ON org_person (org_id, sort_key, id);
CREATE INDEX org_person_mail ON org_person (mail);
CREATE TABLE org_role (
  person_id TEXT NOT NULL REFERENCES org_person (id),
  role TEXT NOT NULL,
  place BIGINT NOT NULL,
  PRIMARY KEY (person_id, role)
);
CREATE INDEX org_role_role ON org_role (role, person_id);
CREATE TABLE org_credential (
  person_id TEXT PRIMARY KEY REFERENCES org_person (id),
  password TEXT NOT NULL,
  totp BYTEA NOT NULL,
  step BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE TABLE org_code (
  person_id TEXT NOT NULL REFERENCES org_person (id),
  digest BYTEA NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (person_id, digest)
);
CREATE TABLE org_ticket (
  id TEXT PRIMARY KEY,
  digest BYTEA NOT NULL UNIQUE,
  purpose TEXT NOT NULL,
  people TEXT NOT NULL,
  totp BYTEA,
  tries BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL
);
CREATE INDEX org_ticket_people ON org_ticket (people, purpose);
CREATE INDEX org_ticket_expires ON org_ticket (expires_at);
CREATE TABLE org_session (
  id TEXT PRIMARY KEY,
  digest BYTEA NOT NULL UNIQUE,
  person_id TEXT NOT NULL REFERENCES org_person (id),
  device TEXT NOT NULL,
  how TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
);
CREATE INDEX org_session_person ON org_session (person_id, ended_at);
CREATE TABLE org_token (
  id TEXT PRIMARY KEY,
  digest BYTEA NOT NULL UNIQUE,
  person_id TEXT NOT NULL REFERENCES org_person (id),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL
);
CREATE INDEX org_token_person ON org_token (person_id, revoked_at);
CREATE TABLE org_attempt (
  key TEXT PRIMARY KEY,
  failures BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  forget_at BIGINT NOT NULL
);
CREATE INDEX org_attempt_forget ON org_attempt (forget_at);
