-- Long work: jobs with their results line by line, uploaded files in sealed pieces, imports with what it takes to undo them.

CREATE TABLE jobs (
    tenant_id       UUID NOT NULL REFERENCES tenants (id),
    id              UUID NOT NULL,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    created_by      UUID,
    created_at      BIGINT NOT NULL,
    started_at      BIGINT,
    finished_at     BIGINT,
    -- when a worker may take it: the start of a queued job, the end of the lease of a running one
    due_at          BIGINT NOT NULL,
    lease_owner     UUID,
    -- rises with every worker that takes the job: what an earlier one still wants to write is refused
    lease_number    BIGINT NOT NULL,
    -- times in a row that it was taken without getting any further
    attempts        BIGINT NOT NULL,
    cancel_asked_at BIGINT,
    -- where the next step begins, in the job's own measure
    position        BIGINT NOT NULL,
    progress        BIGINT NOT NULL,
    total           BIGINT,
    -- JSON object: how many rows had which outcome
    counts          TEXT NOT NULL,
    -- why it failed: a code
    failure         TEXT,
    -- who asked for it and what exactly, sealed under the tenant's data key
    params          BYTEA NOT NULL,
    revision        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- Workers look for due jobs of all tenants; lists over many tenants walk by id.
CREATE INDEX jobs_due ON jobs (due_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_id ON jobs (id);

CREATE TABLE job_rows (
    tenant_id UUID NOT NULL,
    job_id    UUID NOT NULL,
    -- line of the file, or index in the list that was sent
    line      BIGINT NOT NULL,
    outcome   TEXT NOT NULL CHECK (outcome IN ('create', 'update', 'unchanged', 'duplicate', 'error', 'removed', 'restored', 'conflict')),
    -- codes, with a blank between them
    codes     TEXT NOT NULL,
    record_id UUID,
    of_line   BIGINT,
    PRIMARY KEY (tenant_id, job_id, line),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE job_files (
    tenant_id   UUID NOT NULL REFERENCES tenants (id),
    id          UUID NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    -- both are known when the whole file has come
    size        BIGINT,
    pieces      BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX job_files_expiry ON job_files (expires_at);

CREATE TABLE job_file_pieces (
    tenant_id UUID NOT NULL,
    file_id   UUID NOT NULL,
    number    BIGINT NOT NULL,
    content   BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, file_id, number),
    FOREIGN KEY (tenant_id, file_id) REFERENCES job_files (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE imports (
    tenant_id   UUID NOT NULL REFERENCES tenants (id),
    id          UUID NOT NULL,
    created_by  UUID,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    -- the file; gone when the import can no longer be run or undone
    file_id     UUID,
    legal_basis TEXT,
    source      TEXT,
    -- format, headers, proposals and mapping, sealed under the tenant's data key: headers may say anything
    draft       BYTEA NOT NULL,
    dry_job_id  UUID,
    run_job_id  UUID,
    undo_job_id UUID,
    -- until when it can be undone
    undo_until  BIGINT,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX imports_by_id ON imports (id);

-- What an import did to a record, and the record as it was, sealed under the subject's own key: an erased person stays erased.
CREATE TABLE import_changes (
    tenant_id      UUID NOT NULL,
    import_id      UUID NOT NULL,
    line           BIGINT NOT NULL,
    record_id      UUID NOT NULL,
    change         TEXT NOT NULL CHECK (change IN ('create', 'update')),
    -- the record's revision after the change: another one says that somebody has worked on it since
    revision_after BIGINT NOT NULL,
    before         BYTEA,
    PRIMARY KEY (tenant_id, import_id, line),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
);
