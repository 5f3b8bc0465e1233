-- What a desk counts and compares is in the index: no sealed words are read for it.
DROP INDEX hunt_finding_run;
CREATE INDEX hunt_finding_run ON hunt_finding (org_id, run_id, place, id, state, tag, host_tag, user_tag, rule_tag);
DROP INDEX hunt_finding_hunt;
CREATE INDEX hunt_finding_hunt ON hunt_finding (org_id, hunt_id, place, id, state, host_tag, user_tag, rule_tag);
