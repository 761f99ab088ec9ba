-- One change to many records: what it takes to undo it.

CREATE TABLE bulk_runs (
    tenant_id   UUID NOT NULL,
    job_id      UUID NOT NULL,
    -- actions and compartments that the change asked for, with a blank between: whoever takes it back needs them too
    needed      TEXT NOT NULL,
    undo_until  BIGINT NOT NULL,
    undo_job_id UUID,
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX bulk_runs_expiry ON bulk_runs (undo_until);

-- A record as it was, sealed under the subject's own key: an erased person stays erased.
CREATE TABLE bulk_changes (
    tenant_id      UUID NOT NULL,
    job_id         UUID NOT NULL,
    line           BIGINT NOT NULL,
    record_id      UUID NOT NULL,
    -- the record's revision after the change: another one says that somebody has worked on it since
    revision_after BIGINT NOT NULL,
    before         BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, job_id, line),
    FOREIGN KEY (tenant_id, job_id) REFERENCES bulk_runs (tenant_id, job_id) ON DELETE CASCADE
);
