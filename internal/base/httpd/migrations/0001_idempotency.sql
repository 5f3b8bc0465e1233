CREATE TABLE httpd_idempotency (
  who TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  state TEXT NOT NULL,
  status BIGINT NOT NULL,
  header TEXT NOT NULL,
  body BYTEA,
  started_at BIGINT NOT NULL,
  PRIMARY KEY (who, key)
);
CREATE INDEX httpd_idempotency_started ON httpd_idempotency (started_at);
