-- Partners and their contact people can be put away and taken back.
ALTER TABLE partners ADD COLUMN archived_at INTEGER;
ALTER TABLE partner_contacts ADD COLUMN archived_at INTEGER;

-- Custom fields get the form in which they are used; the table of 0003 was never written to.
DROP TABLE custom_fields;

-- Fields that a tenant adds to its customers; their values live in the compartment that is declared here.
CREATE TABLE custom_fields (
    tenant_id   BLOB NOT NULL REFERENCES tenants (id),
    id          BLOB NOT NULL,
    kind        TEXT NOT NULL
        CHECK (kind IN ('text', 'number', 'date', 'boolean', 'choice', 'multiple_choice', 'url')),
    compartment TEXT NOT NULL CHECK (compartment IN ('profile', 'special')),
    required    INTEGER NOT NULL,
    category    TEXT NOT NULL,
    purposes    TEXT NOT NULL,
    retention   TEXT NOT NULL,
    -- key, labels and choices, sealed under the tenant's data key: people write anything into a label
    texts       BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    archived_at INTEGER,
    revision    INTEGER NOT NULL,
    mac         BLOB NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
-- Over many tenants (headquarters), and by id.
CREATE INDEX custom_fields_by_id ON custom_fields (id);
