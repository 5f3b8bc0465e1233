CREATE INDEX post_letter_kept ON post_letter (ended_at) WHERE state = 'sent' AND length(sealed) > 0;
