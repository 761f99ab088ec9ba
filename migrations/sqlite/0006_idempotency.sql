-- Requests that may be sent again: the first answer is kept for a day and repeated.

CREATE TABLE idempotency_keys (
    -- the tenant that the caller acted for
    tenant_id    BLOB NOT NULL REFERENCES tenants (id),
    -- HMAC of caller, operation and key
    id           BLOB NOT NULL,
    -- HMAC of what was asked: body and purpose
    request_hash BLOB NOT NULL,
    -- names the run that holds the row: a later one takes over when the lease has ended
    attempt      BLOB NOT NULL,
    lease_until  INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- the whole answer, sealed under the tenant's data key; absent while the first request runs
    answer       BLOB,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
