CREATE TABLE notice_channel (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  contact BIGINT NOT NULL,
  least TEXT NOT NULL,
  lang TEXT NOT NULL,
  quiet_from BIGINT NOT NULL,
  quiet_to BIGINT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  code TEXT NOT NULL,
  tries BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX notice_channel_org ON notice_channel (org_id, id);
CREATE TABLE notice_calendar (
  digest TEXT PRIMARY KEY,
  org_id TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  person TEXT NOT NULL
);
