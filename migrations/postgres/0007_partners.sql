-- Partners get the form in which they are used; the tables of 0002 were never written to.
DROP TABLE partner_contacts;
DROP TABLE partners;

-- The legal counterparts of tenants. tenant_id is the tenant that the partner runs; those above it see it as below.
CREATE TABLE partners (
    tenant_id       UUID NOT NULL REFERENCES tenants (id),
    id              UUID NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('prospect', 'active', 'ended')),
    country         TEXT NOT NULL,
    contract_starts TEXT,
    contract_ends   TEXT,
    key_id          BYTEA NOT NULL,
    -- names, registration numbers, contract number and terms
    identity        BYTEA NOT NULL,
    contact         BYTEA,
    financial       BYTEA,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    revision        BIGINT NOT NULL,
    mac             BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX partners_by_id ON partners (id);

-- People to talk to at a partner: data subjects, each with a key of their own.
CREATE TABLE partner_contacts (
    tenant_id  UUID NOT NULL,
    id         UUID NOT NULL,
    partner_id UUID NOT NULL,
    function   TEXT NOT NULL CHECK (function IN ('owner', 'director', 'manager', 'finance', 'legal', 'other')),
    language   TEXT NOT NULL,
    is_primary BOOLEAN NOT NULL,
    key_id     BYTEA NOT NULL,
    identity   BYTEA NOT NULL,
    contact    BYTEA,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    mac        BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, partner_id) REFERENCES partners (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX partner_contacts_partner ON partner_contacts (tenant_id, partner_id, id);
