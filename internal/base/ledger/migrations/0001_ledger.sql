CREATE TABLE ledger_entry (
  id TEXT PRIMARY KEY,
  seq BIGINT UNIQUE,
  at BIGINT NOT NULL,
  verb TEXT NOT NULL,
  object TEXT NOT NULL,
  org TEXT NOT NULL,
  leaf TEXT NOT NULL,
  salt BYTEA
);
CREATE INDEX ledger_entry_new ON ledger_entry (id) WHERE seq IS NULL;
CREATE INDEX ledger_entry_object ON ledger_entry (object, id);
CREATE TABLE ledger_name (
  pseudonym TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  UNIQUE (kind, subject)
);
CREATE TABLE ledger_head (
  id BIGINT PRIMARY KEY,
  numbered BIGINT NOT NULL,
  published BIGINT NOT NULL,
  root TEXT NOT NULL,
  holder TEXT NOT NULL,
  lease_until BIGINT NOT NULL
);
INSERT INTO ledger_head (id, numbered, published, root, holder, lease_until) VALUES (1, 0, 0, '', '', 0);
