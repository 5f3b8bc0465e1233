CREATE INDEX selection_run_agreement ON selection_run (agreement_id, id);
