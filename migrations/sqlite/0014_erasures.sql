-- Erasures: from the moment in which the record went until its key, and every copy of it that can be reached, is gone.
-- Ids only: the record itself is no more.

CREATE TABLE erasures (
    tenant_id    BLOB NOT NULL REFERENCES tenants (id),
    id           BLOB NOT NULL,
    customer_id  BLOB NOT NULL,
    -- the key that is destroyed
    key_id       BLOB NOT NULL,
    -- why, by the letters of GDPR Art. 17(1); absent where an erasure came back out of the ledger's copy
    ground       TEXT,
    -- fenced: the record is gone, its key perhaps not yet; complete: it is unreadable for good
    state        TEXT NOT NULL CHECK (state IN ('fenced', 'complete')),
    requested_by BLOB,
    -- JSON object: how much of what was removed
    removed      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    completed_at INTEGER,
    -- the signed statement about it
    certificate  TEXT,
    revision     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX erasures_once ON erasures (customer_id);
CREATE INDEX erasures_by_id ON erasures (id);
CREATE INDEX erasures_open ON erasures (created_at) WHERE state = 'fenced';

-- Every erasure of every tenant, each bound to the one before it; a copy of it stands outside of the database.
CREATE TABLE erasure_ledger (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    tenant_id  BLOB NOT NULL,
    subject_id BLOB NOT NULL,
    key_id     BLOB NOT NULL,
    mac        BLOB NOT NULL
) STRICT;

-- Whom a kept answer speaks of, so that it goes with that customer.
ALTER TABLE idempotency_keys ADD COLUMN customer_id BLOB;
CREATE INDEX idempotency_keys_customer ON idempotency_keys (customer_id);

-- What is kept for an undo, and which lines of which file a customer came from, by customer.
CREATE INDEX import_changes_record ON import_changes (tenant_id, record_id);
CREATE INDEX bulk_changes_record ON bulk_changes (tenant_id, record_id);
CREATE INDEX job_rows_record ON job_rows (tenant_id, record_id);
