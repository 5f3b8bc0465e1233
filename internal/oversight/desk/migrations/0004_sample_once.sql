CREATE UNIQUE INDEX oversight_plan_commitment ON oversight_plan (commitment) WHERE commitment <> '';
