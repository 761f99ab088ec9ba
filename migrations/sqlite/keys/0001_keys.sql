-- Wrapped keys, in a file of their own that never goes into the data backup. Nothing in here is readable without the
-- root key, and nothing names a person: key ids are random.

CREATE TABLE root_record (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    record   TEXT NOT NULL
) STRICT;

-- The keys of tenants, and under the nil id those of the installation. `uses` counts ahead, in batches.
CREATE TABLE tenant_keys (
    tenant_id    BLOB NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('wrap', 'index', 'audit', 'data', 'system')),
    version      INTEGER NOT NULL CHECK (version > 0),
    key_id       BLOB NOT NULL,
    root_version INTEGER NOT NULL,
    wrapped      BLOB NOT NULL,
    uses         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, kind, version)
) STRICT, WITHOUT ROWID;

-- One key per subject. A destroyed key leaves its mark and nothing else.
CREATE TABLE subject_keys (
    tenant_id    BLOB NOT NULL,
    key_id       BLOB NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    wrap_version INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('reserved', 'used', 'destroyed')),
    wrapped      BLOB,
    PRIMARY KEY (tenant_id, key_id, version),
    CHECK ((state = 'destroyed') = (wrapped IS NULL))
) STRICT, WITHOUT ROWID;

-- How the fields of a tenant are indexed blindly, where it isn't the default.
CREATE TABLE index_versions (
    tenant_id    BLOB NOT NULL,
    field        TEXT NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    bits         INTEGER NOT NULL CHECK (bits BETWEEN 1 AND 32),
    root_version INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, field, version)
) STRICT, WITHOUT ROWID;
