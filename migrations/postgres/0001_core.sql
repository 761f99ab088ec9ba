-- The ground: the tree of tenants, the epoch of authorization, the audit log.
-- Times are microseconds since 1970. Text columns hold codes and names of organisations, never of people.

CREATE TABLE tenants (
    id              UUID PRIMARY KEY,
    parent_id       UUID REFERENCES tenants (id),
    kind            TEXT NOT NULL CHECK (kind IN ('hq', 'region', 'franchisee', 'member_org', 'ngo')),
    name            TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('active', 'closed')),
    country         TEXT NOT NULL,
    kvk_number      TEXT,
    branch_number   TEXT,
    contract_starts TEXT,
    contract_ends   TEXT,
    special_ground  TEXT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    revision        BIGINT NOT NULL
);
CREATE INDEX tenants_parent ON tenants (parent_id);

-- Every tenant with itself at depth 0 and with each tenant above it.
CREATE TABLE tenant_tree (
    ancestor_id   UUID NOT NULL REFERENCES tenants (id),
    descendant_id UUID NOT NULL REFERENCES tenants (id),
    depth         BIGINT NOT NULL,
    PRIMARY KEY (ancestor_id, descendant_id)
);
CREATE INDEX tenant_tree_descendant ON tenant_tree (descendant_id, ancestor_id);

-- Rises in the transaction of every change to policy, role, session or agreement; scoped statements compare it.
CREATE TABLE authz_epoch (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    value BIGINT NOT NULL
);
INSERT INTO authz_epoch (id, value) VALUES (1, 1);

-- The end of the audit chain; the row's lock puts events of all nodes into one order.
CREATE TABLE audit_head (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    seq   BIGINT NOT NULL,
    chain BYTEA NOT NULL
);
INSERT INTO audit_head (id, seq, chain)
VALUES (1, 0, '\x0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE audit_events (
    seq          BIGINT PRIMARY KEY,
    id           UUID NOT NULL,
    at           BIGINT NOT NULL,
    tenant_id    UUID NOT NULL,
    owner_id     UUID,
    actor        TEXT NOT NULL,
    channel      TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    class        TEXT NOT NULL CHECK (class IN ('read', 'write', 'security')),
    action       TEXT NOT NULL,
    entity       TEXT NOT NULL,
    record_id    UUID,
    subjects     BYTEA NOT NULL,
    compartments BIGINT NOT NULL,
    purpose      TEXT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('allowed', 'denied', 'failed')),
    detail       TEXT NOT NULL,
    chain        BYTEA NOT NULL
);
CREATE INDEX audit_events_tenant ON audit_events (tenant_id, seq);
CREATE INDEX audit_events_owner ON audit_events (owner_id, seq);
CREATE INDEX audit_events_record ON audit_events (record_id, seq);
