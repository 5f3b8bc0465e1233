CREATE TABLE post_letter (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  object TEXT NOT NULL,
  recipient TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  tries BIGINT NOT NULL DEFAULT 0,
  due_at BIGINT NOT NULL,
  queued_at BIGINT NOT NULL,
  claimed_at BIGINT NOT NULL DEFAULT 0,
  ended_at BIGINT NOT NULL DEFAULT 0,
  why TEXT NOT NULL DEFAULT '',
  sealed BYTEA NOT NULL
);
CREATE INDEX post_letter_due ON post_letter (due_at, id) WHERE state = 'waiting';
CREATE INDEX post_letter_claimed ON post_letter (claimed_at) WHERE state = 'sending';
CREATE INDEX post_letter_object ON post_letter (object, id);
CREATE INDEX post_letter_state ON post_letter (state, id);
