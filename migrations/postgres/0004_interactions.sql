-- Interactions: e-mails, calls, visits … with a customer. What was said is sealed under the customer's own key; beside it
-- stands only when it was, by which channel, and who wrote it down.

CREATE TABLE interactions (
    tenant_id   UUID NOT NULL,
    id          UUID NOT NULL,
    customer_id UUID NOT NULL,
    -- the user who wrote it down; absent for what the system did
    author_id   UUID,
    channel     TEXT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    sensitivity TEXT NOT NULL CHECK (sensitivity IN ('normal', 'sensitive')),
    occurred_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    archived_at BIGINT,
    revision    BIGINT NOT NULL,
    -- subject, body and participants: in compartment notes, or special when sensitive
    content     BYTEA NOT NULL,
    mac         BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX interactions_timeline ON interactions (tenant_id, customer_id, occurred_at, id);
CREATE INDEX interactions_by_time ON interactions (tenant_id, occurred_at, id);
-- Over many tenants (privacy officer), and by id.
CREATE INDEX interactions_network ON interactions (occurred_at, id);
CREATE INDEX interactions_by_id ON interactions (id);
