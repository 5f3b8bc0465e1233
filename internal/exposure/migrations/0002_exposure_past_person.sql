CREATE INDEX exposure_past_person ON exposure_past (person, at);
CREATE INDEX exposure_past_entry ON exposure_past (entry);
