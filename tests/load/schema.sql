CREATE TABLE customers (
    tenant_id          UUID NOT NULL,
    id                 UUID NOT NULL,
    kind               TEXT NOT NULL,
    status             TEXT NOT NULL,
    owner_id           UUID,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    archived_at        BIGINT,
    preferred_channel  TEXT,
    language           TEXT NOT NULL,
    region             TEXT,
    source             TEXT NOT NULL,
    legal_basis        TEXT NOT NULL,
    consented_purposes TEXT,
    last_contact_at    BIGINT,
    revision           BIGINT NOT NULL,
    identity           TEXT,
    contact            TEXT,
    financial          TEXT,
    profile            TEXT,
    notes              TEXT,
    special            TEXT,
    withheld           TEXT,
    PRIMARY KEY (tenant_id, id)
);
-- Partial on what always holds, as Kluis has it: PostgreSQL would walk along it past the rows of everybody else.
CREATE INDEX customers_by_id ON customers (id) WHERE revision > 0;
CREATE INDEX customers_by_owner ON customers (tenant_id, owner_id, id);
CREATE INDEX customers_by_update ON customers (tenant_id, updated_at, id);
CREATE INDEX customers_by_contact ON customers (tenant_id, last_contact_at, id);
CREATE TABLE customer_values (
    tenant_id   UUID NOT NULL,
    field       TEXT NOT NULL,
    value       TEXT NOT NULL,
    customer_id UUID NOT NULL,
    PRIMARY KEY (tenant_id, field, value, customer_id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX customer_values_customer ON customer_values (tenant_id, customer_id);
