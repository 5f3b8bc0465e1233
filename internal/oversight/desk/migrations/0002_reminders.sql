ALTER TABLE oversight_opening ADD COLUMN reminded_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX oversight_opening_due ON oversight_opening (state, due_at, id);
