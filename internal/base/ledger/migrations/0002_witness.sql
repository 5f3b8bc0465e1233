CREATE TABLE ledger_witness (
  key TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  size BIGINT NOT NULL,
  root TEXT NOT NULL,
  signed_at BIGINT NOT NULL,
  note TEXT NOT NULL,
  line TEXT NOT NULL
);
