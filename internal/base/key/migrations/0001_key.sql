CREATE TABLE key_data (
  owner TEXT PRIMARY KEY,
  wrapped BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);
