CREATE TABLE selection_agreement (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL,
  party_id TEXT NOT NULL,
  keeper TEXT NOT NULL,
  article TEXT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  talked_at BIGINT NOT NULL,
  agreed_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  entry TEXT NOT NULL,
  at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX selection_agreement_org ON selection_agreement (org_id, id);
CREATE INDEX selection_agreement_party ON selection_agreement (party_id, id);
CREATE INDEX selection_agreement_clock ON selection_agreement (ended_at, until_at);
CREATE TABLE selection_move (
  id TEXT PRIMARY KEY,
  agreement_id TEXT NOT NULL,
  was TEXT NOT NULL,
  became TEXT NOT NULL,
  side TEXT NOT NULL,
  version BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_move_agreement ON selection_move (agreement_id, id);
CREATE TABLE selection_consent (
  id TEXT PRIMARY KEY,
  agreement_id TEXT NOT NULL,
  until_at BIGINT NOT NULL,
  withdrawn_at BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_consent_agreement ON selection_consent (agreement_id, id);
CREATE TABLE selection_returned (
  id TEXT PRIMARY KEY,
  agreement_id TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX selection_returned_agreement ON selection_returned (agreement_id, id);
CREATE TABLE selection_grant (
  approval_id TEXT PRIMARY KEY,
  agreement_id TEXT NOT NULL,
  list_id TEXT NOT NULL,
  selectors TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX selection_grant_agreement ON selection_grant (agreement_id, approval_id);
