CREATE TABLE notice_closed (
  org_id TEXT PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  hub_key TEXT NOT NULL UNIQUE,
  seal_to TEXT NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE notice_origin (
  id TEXT PRIMARY KEY,
  name_ja TEXT NOT NULL,
  name_en TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE notice_carried (
  answer_id TEXT PRIMARY KEY,
  letter_id TEXT NOT NULL,
  inward BIGINT NOT NULL,
  place BIGINT NOT NULL,
  state TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE UNIQUE INDEX notice_carried_once ON notice_carried (letter_id, inward, place);
