CREATE TABLE intel_bundle (
  origin TEXT NOT NULL,
  direction TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  made_at BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (origin, direction)
);
