CREATE INDEX post_letter_owner ON post_letter (owner, queued_at);
