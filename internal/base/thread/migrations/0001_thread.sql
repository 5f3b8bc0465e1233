CREATE TABLE thread_message (
  id TEXT PRIMARY KEY,
  object TEXT NOT NULL,
  with_org TEXT NOT NULL,
  from_org TEXT NOT NULL,
  from_person TEXT NOT NULL,
  kind TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  answered_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX thread_message_object ON thread_message (object, with_org, id);
CREATE INDEX thread_message_open ON thread_message (with_org, id) WHERE kind = 'question' AND answered_at = 0;
