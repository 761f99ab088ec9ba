-- Wrapped keys, in a database of their own that never goes into the data backup. Nothing in here is readable without the
-- root key, and nothing names a person: key ids are random.

CREATE TABLE root_record (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL,
    record   TEXT NOT NULL
);

-- The keys of tenants, and under the nil id those of the installation. `uses` counts ahead, in batches.
CREATE TABLE tenant_keys (
    tenant_id    UUID NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('wrap', 'index', 'audit', 'data', 'system')),
    version      BIGINT NOT NULL CHECK (version > 0),
    key_id       UUID NOT NULL,
    root_version BIGINT NOT NULL,
    wrapped      BYTEA NOT NULL,
    uses         BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, kind, version)
);

-- One key per subject. A destroyed key leaves its mark and nothing else.
CREATE TABLE subject_keys (
    tenant_id    UUID NOT NULL,
    key_id       UUID NOT NULL,
    version      BIGINT NOT NULL CHECK (version > 0),
    wrap_version BIGINT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('reserved', 'used', 'destroyed')),
    wrapped      BYTEA,
    PRIMARY KEY (tenant_id, key_id, version),
    CHECK ((state = 'destroyed') = (wrapped IS NULL))
);

-- How the fields of a tenant are indexed blindly, where it isn't the default.
CREATE TABLE index_versions (
    tenant_id    UUID NOT NULL,
    field        TEXT NOT NULL,
    version      BIGINT NOT NULL CHECK (version > 0),
    bits         BIGINT NOT NULL CHECK (bits BETWEEN 1 AND 32),
    root_version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, field, version)
);
