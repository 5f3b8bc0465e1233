CREATE INDEX exposure_row_closed ON exposure_row (open, changed_at, org_id);
