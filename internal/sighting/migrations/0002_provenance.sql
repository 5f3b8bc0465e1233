ALTER TABLE sighting_fact ADD COLUMN provenance TEXT NOT NULL DEFAULT '';
