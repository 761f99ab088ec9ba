-- The ground: the tree of tenants, the epoch of authorization, the audit log.
-- Times are microseconds since 1970. Text columns hold codes and names of organisations, never of people.

CREATE TABLE tenants (
    id              BLOB PRIMARY KEY,
    parent_id       BLOB REFERENCES tenants (id),
    kind            TEXT NOT NULL CHECK (kind IN ('hq', 'region', 'franchisee', 'member_org', 'ngo')),
    name            TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('active', 'closed')),
    country         TEXT NOT NULL,
    kvk_number      TEXT,
    branch_number   TEXT,
    contract_starts TEXT,
    contract_ends   TEXT,
    special_ground  TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL
) STRICT;
CREATE INDEX tenants_parent ON tenants (parent_id);

-- Every tenant with itself at depth 0 and with each tenant above it.
CREATE TABLE tenant_tree (
    ancestor_id   BLOB NOT NULL REFERENCES tenants (id),
    descendant_id BLOB NOT NULL REFERENCES tenants (id),
    depth         INTEGER NOT NULL,
    PRIMARY KEY (ancestor_id, descendant_id)
) STRICT;
CREATE INDEX tenant_tree_descendant ON tenant_tree (descendant_id, ancestor_id);

-- Rises in the transaction of every change to policy, role, session or agreement; scoped statements compare it.
CREATE TABLE authz_epoch (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO authz_epoch (id, value) VALUES (1, 1);

-- The end of the audit chain; the row's lock puts events of all nodes into one order.
CREATE TABLE audit_head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    seq   INTEGER NOT NULL,
    chain BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (id, seq, chain)
VALUES (1, 0, X'0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE audit_events (
    seq          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL,
    at           INTEGER NOT NULL,
    tenant_id    BLOB NOT NULL,
    owner_id     BLOB,
    actor        TEXT NOT NULL,
    channel      TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    class        TEXT NOT NULL CHECK (class IN ('read', 'write', 'security')),
    action       TEXT NOT NULL,
    entity       TEXT NOT NULL,
    record_id    BLOB,
    subjects     BLOB NOT NULL,
    compartments INTEGER NOT NULL,
    purpose      TEXT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('allowed', 'denied', 'failed')),
    detail       TEXT NOT NULL,
    chain        BLOB NOT NULL
) STRICT;
CREATE INDEX audit_events_tenant ON audit_events (tenant_id, seq);
CREATE INDEX audit_events_owner ON audit_events (owner_id, seq);
CREATE INDEX audit_events_record ON audit_events (record_id, seq);
