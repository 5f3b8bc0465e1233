CREATE TABLE bus_event (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  orgs TEXT NOT NULL,
  at BIGINT NOT NULL,
  data TEXT NOT NULL,
  spread BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX bus_event_new ON bus_event (id) WHERE spread = 0;
CREATE INDEX bus_event_at ON bus_event (at);
CREATE TABLE bus_delivery (
  follower TEXT NOT NULL,
  event_id TEXT NOT NULL,
  tries BIGINT NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (follower, event_id)
);
