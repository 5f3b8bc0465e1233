ALTER TABLE measure_actuator ADD COLUMN grave TEXT NOT NULL DEFAULT '{}';
