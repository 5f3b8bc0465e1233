ALTER TABLE incident_desk ADD COLUMN class TEXT NOT NULL DEFAULT '';
ALTER TABLE incident_desk ADD COLUMN tlp TEXT NOT NULL DEFAULT 'RED';
UPDATE incident_desk SET
  class = (SELECT c.class FROM incident_case c WHERE c.id = incident_desk.case_id),
  tlp = (SELECT c.tlp FROM incident_case c WHERE c.id = incident_desk.case_id)
  WHERE mine = 1 OR EXISTS (SELECT 1 FROM incident_case c JOIN incident_delivery v ON v.case_id = c.id AND v.version = c.version
    WHERE c.id = incident_desk.case_id AND v.org_id = incident_desk.org_id);
UPDATE incident_desk SET waiting = 0 WHERE mine = 0 AND state = 'withdrawn';
