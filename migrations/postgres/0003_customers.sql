-- Customers: persons, organisations and households. What is personal is sealed, one value per compartment; beside it
-- stands only what must be filtered, sorted or counted and identifies nobody by itself.

CREATE TABLE customers (
    tenant_id         UUID NOT NULL REFERENCES tenants (id),
    id                UUID NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('person', 'organisation', 'household')),
    status            TEXT NOT NULL CHECK (status IN ('prospect', 'active', 'former')),
    owner_id          UUID,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    archived_at       BIGINT,
    preferred_channel TEXT,
    language          TEXT NOT NULL,
    region            TEXT,
    source            TEXT NOT NULL,
    legal_basis       TEXT NOT NULL,
    -- one bit per purpose that this customer consented to
    consents          BIGINT NOT NULL,
    last_contact_at   BIGINT,
    revision          BIGINT NOT NULL,
    -- the subject's data key in the key store
    key_id            BYTEA NOT NULL,
    identity          BYTEA,
    contact           BYTEA,
    financial         BYTEA,
    profile           BYTEA,
    notes             BYTEA,
    special           BYTEA,
    -- nonce and tag of each sealed value, so that the row's MAC can be checked without fetching them all
    fingerprints      BYTEA NOT NULL,
    mac               BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- Lists over many tenants (headquarters, privacy officer) walk by id, which is the order of creation.
CREATE INDEX customers_by_id ON customers (id);
CREATE INDEX customers_by_owner ON customers (tenant_id, owner_id, id);
CREATE INDEX customers_by_update ON customers (tenant_id, updated_at, id);
CREATE INDEX customers_by_contact ON customers (tenant_id, last_contact_at, id);

-- Keyed, truncated hashes by which a customer is found although the value is sealed.
CREATE TABLE customer_index (
    tenant_id   UUID NOT NULL,
    field       TEXT NOT NULL,
    version     BIGINT NOT NULL,
    hash        BIGINT NOT NULL,
    customer_id UUID NOT NULL,
    PRIMARY KEY (tenant_id, field, hash, version, customer_id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX customer_index_customer ON customer_index (tenant_id, customer_id);

-- How customers belong together: member of a household, contact person of an organisation, partner, parent …
CREATE TABLE customer_relations (
    tenant_id   UUID NOT NULL,
    id          UUID NOT NULL,
    from_id     UUID NOT NULL,
    to_id       UUID NOT NULL,
    kind        TEXT NOT NULL,
    starts_on   TEXT,
    ends_on     TEXT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, from_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, to_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX customer_relations_once ON customer_relations (tenant_id, from_id, to_id, kind);
CREATE INDEX customer_relations_to ON customer_relations (tenant_id, to_id);

-- Fields that a tenant adds; their values live in the compartment that is declared here.
CREATE TABLE custom_fields (
    tenant_id   UUID NOT NULL REFERENCES tenants (id),
    id          UUID NOT NULL,
    name        TEXT NOT NULL,
    label_nl    TEXT NOT NULL,
    label_en    TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('text', 'number', 'boolean', 'date', 'choice')),
    choices     TEXT NOT NULL,
    compartment TEXT NOT NULL CHECK (compartment IN ('profile', 'special')),
    category    TEXT NOT NULL,
    purposes    TEXT NOT NULL,
    retention   TEXT NOT NULL,
    archived_at BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX custom_fields_name ON custom_fields (tenant_id, name);
