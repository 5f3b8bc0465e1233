DROP INDEX incident_desk_list;
DROP INDEX incident_desk_waiting;
CREATE INDEX incident_desk_list ON incident_desk (org_id, mine, updated_at, case_id, waiting, state, kind, severity, sector);
CREATE INDEX incident_desk_waiting ON incident_desk (org_id, mine, waiting, updated_at, case_id);
