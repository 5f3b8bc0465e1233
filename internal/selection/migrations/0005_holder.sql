CREATE TABLE selection_holder (
  person TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  at BIGINT NOT NULL
);
