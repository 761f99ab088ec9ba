-- Long work: jobs with their results line by line, uploaded files in sealed pieces, imports with what it takes to undo them.

CREATE TABLE jobs (
    tenant_id       BLOB NOT NULL REFERENCES tenants (id),
    id              BLOB NOT NULL,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    created_by      BLOB,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    finished_at     INTEGER,
    -- when a worker may take it: the start of a queued job, the end of the lease of a running one
    due_at          INTEGER NOT NULL,
    lease_owner     BLOB,
    -- rises with every worker that takes the job: what an earlier one still wants to write is refused
    lease_number    INTEGER NOT NULL,
    -- times in a row that it was taken without getting any further
    attempts        INTEGER NOT NULL,
    cancel_asked_at INTEGER,
    -- where the next step begins, in the job's own measure
    position        INTEGER NOT NULL,
    progress        INTEGER NOT NULL,
    total           INTEGER,
    -- JSON object: how many rows had which outcome
    counts          TEXT NOT NULL,
    -- why it failed: a code
    failure         TEXT,
    -- who asked for it and what exactly, sealed under the tenant's data key
    params          BLOB NOT NULL,
    revision        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
-- Workers look for due jobs of all tenants; lists over many tenants walk by id.
CREATE INDEX jobs_due ON jobs (due_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_id ON jobs (id);

CREATE TABLE job_rows (
    tenant_id BLOB NOT NULL,
    job_id    BLOB NOT NULL,
    -- line of the file, or index in the list that was sent
    line      INTEGER NOT NULL,
    outcome   TEXT NOT NULL CHECK (outcome IN ('create', 'update', 'unchanged', 'duplicate', 'error', 'removed', 'restored', 'conflict')),
    -- codes, with a blank between them
    codes     TEXT NOT NULL,
    record_id BLOB,
    of_line   INTEGER,
    PRIMARY KEY (tenant_id, job_id, line),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE job_files (
    tenant_id   BLOB NOT NULL REFERENCES tenants (id),
    id          BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    -- both are known when the whole file has come
    size        INTEGER,
    pieces      INTEGER,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX job_files_expiry ON job_files (expires_at);

CREATE TABLE job_file_pieces (
    tenant_id BLOB NOT NULL,
    file_id   BLOB NOT NULL,
    number    INTEGER NOT NULL,
    content   BLOB NOT NULL,
    PRIMARY KEY (tenant_id, file_id, number),
    FOREIGN KEY (tenant_id, file_id) REFERENCES job_files (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE imports (
    tenant_id   BLOB NOT NULL REFERENCES tenants (id),
    id          BLOB NOT NULL,
    created_by  BLOB,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    -- the file; gone when the import can no longer be run or undone
    file_id     BLOB,
    legal_basis TEXT,
    source      TEXT,
    -- format, headers, proposals and mapping, sealed under the tenant's data key: headers may say anything
    draft       BLOB NOT NULL,
    dry_job_id  BLOB,
    run_job_id  BLOB,
    undo_job_id BLOB,
    -- until when it can be undone
    undo_until  INTEGER,
    revision    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX imports_by_id ON imports (id);

-- What an import did to a record, and the record as it was, sealed under the subject's own key: an erased person stays erased.
CREATE TABLE import_changes (
    tenant_id      BLOB NOT NULL,
    import_id      BLOB NOT NULL,
    line           INTEGER NOT NULL,
    record_id      BLOB NOT NULL,
    change         TEXT NOT NULL CHECK (change IN ('create', 'update')),
    -- the record's revision after the change: another one says that somebody has worked on it since
    revision_after INTEGER NOT NULL,
    before         BLOB,
    PRIMARY KEY (tenant_id, import_id, line),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
) STRICT;
