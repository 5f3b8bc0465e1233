CREATE TABLE org_view (
  id TEXT PRIMARY KEY,
  person_id TEXT NOT NULL REFERENCES org_person (id),
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  query TEXT NOT NULL,
  UNIQUE (person_id, path, name)
);
