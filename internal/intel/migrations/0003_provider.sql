CREATE TABLE intel_provider (
  feed TEXT PRIMARY KEY,
  state BYTEA NOT NULL,
  issues TEXT NOT NULL,
  failed BIGINT NOT NULL
);
