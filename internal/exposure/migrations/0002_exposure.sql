CREATE TABLE exposure_sighting (
  vulnerability TEXT PRIMARY KEY,
  sightings BIGINT NOT NULL
);
CREATE TABLE exposure_place (
  org_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (org_id, tag, item_id)
);
CREATE INDEX exposure_place_item ON exposure_place (item_id);
CREATE INDEX exposure_place_tag ON exposure_place (tag);
