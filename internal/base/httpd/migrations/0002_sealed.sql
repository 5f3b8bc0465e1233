-- Answers are sealed from here on; those in clear are forgotten.
DELETE FROM httpd_idempotency;
