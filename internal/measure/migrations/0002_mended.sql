ALTER TABLE measure_chain ADD COLUMN worksheet TEXT NOT NULL DEFAULT '';
ALTER TABLE measure_chain ADD COLUMN steps_tag TEXT NOT NULL DEFAULT '';
ALTER TABLE measure_step ADD COLUMN accountant TEXT NOT NULL DEFAULT '';
ALTER TABLE measure_switch ADD COLUMN agreed BIGINT NOT NULL DEFAULT 0;
UPDATE measure_switch SET side = 'superior' WHERE side = 'command';
UPDATE measure_switch SET agreed = 1 WHERE org_id IN (SELECT org_id FROM measure_switch WHERE shut = 1 GROUP BY org_id HAVING count(*) = 2);
DROP INDEX measure_chain_case;
CREATE UNIQUE INDEX measure_chain_case ON measure_chain (case_id, org_id) WHERE state <> 'dropped';
CREATE INDEX measure_chain_owed ON measure_chain (settled_at, declared_at, org_id);
CREATE TABLE measure_refused (
  server_tag TEXT NOT NULL,
  org_id TEXT NOT NULL,
  steps_tag TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (server_tag, org_id, steps_tag)
);
CREATE TABLE measure_voice (
  chain_id TEXT NOT NULL,
  person TEXT NOT NULL,
  org_id TEXT NOT NULL,
  choice TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (chain_id, person)
);
