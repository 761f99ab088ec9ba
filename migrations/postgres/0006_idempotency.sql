-- Requests that may be sent again: the first answer is kept for a day and repeated.

CREATE TABLE idempotency_keys (
    -- the tenant that the caller acted for
    tenant_id    UUID NOT NULL REFERENCES tenants (id),
    -- HMAC of caller, operation and key
    id           BYTEA NOT NULL,
    -- HMAC of what was asked: body and purpose
    request_hash BYTEA NOT NULL,
    -- names the run that holds the row: a later one takes over when the lease has ended
    attempt      UUID NOT NULL,
    lease_until  BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    -- the whole answer, sealed under the tenant's data key; absent while the first request runs
    answer       BYTEA,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
