-- Printed by `python -m state.tables postgresql`; do not edit.

CREATE TABLE documents (
	name TEXT NOT NULL,
	content BYTEA NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE limit_calls (
	bucket TEXT NOT NULL,
	at DOUBLE PRECISION NOT NULL
);

CREATE INDEX limit_calls_by_time ON limit_calls (bucket, at);

CREATE TABLE limits (
	bucket TEXT NOT NULL,
	next_at DOUBLE PRECISION NOT NULL,
	frozen_until DOUBLE PRECISION NOT NULL,
	written_at DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (bucket)
);

CREATE TABLE quotas (
	account TEXT NOT NULL,
	maximum BIGINT NOT NULL,
	others BIGINT NOT NULL,
	told_at DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (account)
);

CREATE TABLE runs (
	run_id TEXT NOT NULL,
	command TEXT NOT NULL,
	status TEXT NOT NULL,
	pid INTEGER NOT NULL,
	process_start TEXT NOT NULL,
	machine TEXT NOT NULL,
	host TEXT NOT NULL,
	started_at DOUBLE PRECISION NOT NULL,
	renewed_at DOUBLE PRECISION NOT NULL,
	finished_at DOUBLE PRECISION,
	document TEXT,
	PRIMARY KEY (run_id)
);

CREATE INDEX runs_by_start ON runs (started_at);

CREATE TABLE schema_version (
	version INTEGER NOT NULL
);

CREATE TABLE tokens (
	name TEXT NOT NULL,
	secret BYTEA,
	revision BIGINT NOT NULL,
	lease TEXT NOT NULL,
	leased_until DOUBLE PRECISION NOT NULL,
	pid INTEGER NOT NULL,
	process_start TEXT NOT NULL,
	machine TEXT NOT NULL,
	host TEXT NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE usage (
	account TEXT NOT NULL,
	span BIGINT NOT NULL,
	calls BIGINT NOT NULL,
	PRIMARY KEY (account, span)
);

CREATE TABLE leases (
	source TEXT NOT NULL,
	run_id TEXT NOT NULL,
	PRIMARY KEY (source),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);

CREATE TABLE run_sources (
	source TEXT NOT NULL,
	run_id TEXT NOT NULL,
	PRIMARY KEY (source, run_id),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
