ALTER TABLE incident_version ADD COLUMN draft TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_version_draft ON incident_version (draft) WHERE draft <> '';
