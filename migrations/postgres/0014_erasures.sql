-- Erasures: from the moment in which the record went until its key, and every copy of it that can be reached, is gone.
-- Ids only: the record itself is no more.

CREATE TABLE erasures (
    tenant_id    UUID NOT NULL REFERENCES tenants (id),
    id           UUID NOT NULL,
    customer_id  UUID NOT NULL,
    -- the key that is destroyed
    key_id       BYTEA NOT NULL,
    -- why, by the letters of GDPR Art. 17(1); absent where an erasure came back out of the ledger's copy
    ground       TEXT,
    -- fenced: the record is gone, its key perhaps not yet; complete: it is unreadable for good
    state        TEXT NOT NULL CHECK (state IN ('fenced', 'complete')),
    requested_by UUID,
    -- JSON object: how much of what was removed
    removed      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    completed_at BIGINT,
    -- the signed statement about it
    certificate  TEXT,
    revision     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX erasures_once ON erasures (customer_id);
CREATE INDEX erasures_by_id ON erasures (id);
CREATE INDEX erasures_open ON erasures (created_at) WHERE state = 'fenced';

-- Every erasure of every tenant, each bound to the one before it; a copy of it stands outside of the database.
CREATE TABLE erasure_ledger (
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    tenant_id  UUID NOT NULL,
    subject_id UUID NOT NULL,
    key_id     BYTEA NOT NULL,
    mac        BYTEA NOT NULL
);

-- Whom a kept answer speaks of, so that it goes with that customer.
ALTER TABLE idempotency_keys ADD COLUMN customer_id UUID;
CREATE INDEX idempotency_keys_customer ON idempotency_keys (customer_id);

-- What is kept for an undo, and which lines of which file a customer came from, by customer.
CREATE INDEX import_changes_record ON import_changes (tenant_id, record_id);
CREATE INDEX bulk_changes_record ON bulk_changes (tenant_id, record_id);
CREATE INDEX job_rows_record ON job_rows (tenant_id, record_id);
