CREATE TABLE measure_tried (
  chain_id TEXT NOT NULL,
  plan_act TEXT NOT NULL,
  act TEXT NOT NULL,
  approval_id TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (chain_id, plan_act)
);
INSERT INTO measure_tried (chain_id, plan_act, act, approval_id, at)
SELECT x.chain_id, x.plan_act, min(x.act), '', min(x.at) FROM (
  SELECT a.chain_id AS chain_id, (SELECT max(p.id) FROM measure_act p WHERE p.chain_id = a.chain_id AND p.act = 'plan' AND p.id < a.id) AS plan_act, a.act AS act, a.at AS at
  FROM measure_act a
  WHERE a.act = 'refuse' OR a.act IN ('lapse', 'recall', 'drop') AND a.was IN ('pending', 'approved') OR a.act = 'stop' AND a.side = 'member'
) x WHERE x.plan_act IS NOT NULL GROUP BY x.chain_id, x.plan_act;
