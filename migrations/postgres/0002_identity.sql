-- Who works here: users with their roles, what they sign in with, and the franchise partners with their contact people.
-- What is personal is sealed under the data key of its subject; e-mail addresses are found by a keyed hash.

-- A user belongs to one home tenant, which manages the account; roles may be held in several tenants.
CREATE TABLE users (
    tenant_id           UUID NOT NULL REFERENCES tenants (id),
    id                  UUID NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('invited', 'active', 'disabled')),
    language            TEXT NOT NULL CHECK (language IN ('en', 'nl')),
    -- the tenant that new sessions act for
    acting_tenant_id    UUID NOT NULL REFERENCES tenants (id),
    -- HMAC of the normalised address under a key of the installation: an address has one account
    email_hash          BYTEA NOT NULL,
    key_id              BYTEA NOT NULL,
    identity            BYTEA NOT NULL,
    contact             BYTEA NOT NULL,
    -- PHC string of Argon2id over the peppered password
    password            TEXT,
    password_changed_at BIGINT,
    -- sealed secret of the second factor; while it is being set up it stands in totp_pending
    totp                BYTEA,
    totp_pending        BYTEA,
    -- the last 30-second step whose code was taken: a code works once
    totp_step           BIGINT NOT NULL,
    -- sessions of an earlier generation are void: signing out everywhere counts one up
    generation          BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL,
    last_sign_in_at     BIGINT,
    revision            BIGINT NOT NULL,
    -- binds status, address, password, second factor, generation and all roles together
    mac                 BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- Sign-in finds a user before any tenant is known.
CREATE UNIQUE INDEX users_id ON users (id);
CREATE UNIQUE INDEX users_email ON users (email_hash);

CREATE TABLE user_roles (
    tenant_id  UUID NOT NULL REFERENCES tenants (id),
    id         UUID NOT NULL,
    user_id    UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    starts_at  BIGINT,
    ends_at    BIGINT,
    granted_by UUID,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX user_roles_once ON user_roles (user_id, tenant_id, role);

-- Codes for whoever has lost the second factor; each works once.
CREATE TABLE recovery_codes (
    user_id   UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL,
    used_at   BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

-- Links that work once and for a short time: first administrator, invitation, new password, demonstration.
CREATE TABLE one_time_links (
    token_hash BYTEA PRIMARY KEY,
    tenant_id  UUID NOT NULL REFERENCES tenants (id),
    id         UUID NOT NULL,
    user_id    UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('first_administrator', 'invitation', 'password_reset', 'demonstration')),
    created_by UUID,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    mac        BYTEA NOT NULL
);
CREATE INDEX one_time_links_user ON one_time_links (user_id);
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);

-- Sessions of people, steps on the way to one, and tokens of programs. Only a keyed hash of the token is here.
CREATE TABLE access_tokens (
    token_hash   BYTEA PRIMARY KEY,
    -- the tenant that the bearer acts for
    tenant_id    UUID NOT NULL REFERENCES tenants (id),
    id           UUID NOT NULL,
    user_id      UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL CHECK (kind IN ('session', 'step', 'api')),
    -- steps only: what is still to be done
    step         TEXT,
    generation   BIGINT NOT NULL,
    -- name of an API token, or what kind of browser it is; sealed under the user's key
    label        BYTEA,
    -- JSON list of object:action; NULL: whatever the user may
    scopes       TEXT,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    mac          BYTEA NOT NULL
);
CREATE UNIQUE INDEX access_tokens_id ON access_tokens (id);
CREATE INDEX access_tokens_user ON access_tokens (user_id, kind, id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

-- Failed sign-ins per account, whether there is one or not; the hash is that of users.email_hash.
CREATE TABLE sign_in_attempts (
    account_hash BYTEA PRIMARY KEY,
    failures     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_last ON sign_in_attempts (last_at);

-- The legal counterparts of tenants. tenant_id is the tenant that keeps the contract.
CREATE TABLE partners (
    tenant_id       UUID NOT NULL REFERENCES tenants (id),
    id              UUID NOT NULL,
    -- the franchisee or organisation that this partner runs
    counterpart_id  UUID REFERENCES tenants (id),
    status          TEXT NOT NULL CHECK (status IN ('prospect', 'active', 'ended')),
    country         TEXT NOT NULL,
    contract_starts TEXT,
    contract_ends   TEXT,
    key_id          BYTEA NOT NULL,
    identity        BYTEA NOT NULL,
    contact         BYTEA NOT NULL,
    -- contract number and terms
    financial       BYTEA NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    revision        BIGINT NOT NULL,
    mac             BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX partners_by_id ON partners (id);
CREATE INDEX partners_counterpart ON partners (counterpart_id, id);

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
    contact    BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    mac        BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, partner_id) REFERENCES partners (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX partner_contacts_partner ON partner_contacts (tenant_id, partner_id, id);
