CREATE TABLE blob_file (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  object TEXT NOT NULL,
  name TEXT NOT NULL,
  media TEXT NOT NULL,
  size BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  wrapped BYTEA NOT NULL,
  added_at BIGINT NOT NULL
);
CREATE INDEX blob_file_object ON blob_file (object, id);
