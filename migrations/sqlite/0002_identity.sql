-- Who works here: users with their roles, what they sign in with, and the franchise partners with their contact people.
-- What is personal is sealed under the data key of its subject; e-mail addresses are found by a keyed hash.

-- A user belongs to one home tenant, which manages the account; roles may be held in several tenants.
CREATE TABLE users (
    tenant_id           BLOB NOT NULL REFERENCES tenants (id),
    id                  BLOB NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('invited', 'active', 'disabled')),
    language            TEXT NOT NULL CHECK (language IN ('en', 'nl')),
    -- the tenant that new sessions act for
    acting_tenant_id    BLOB NOT NULL REFERENCES tenants (id),
    -- HMAC of the normalised address under a key of the installation: an address has one account
    email_hash          BLOB NOT NULL,
    key_id              BLOB NOT NULL,
    identity            BLOB NOT NULL,
    contact             BLOB NOT NULL,
    -- PHC string of Argon2id over the peppered password
    password            TEXT,
    password_changed_at INTEGER,
    -- sealed secret of the second factor; while it is being set up it stands in totp_pending
    totp                BLOB,
    totp_pending        BLOB,
    -- the last 30-second step whose code was taken: a code works once
    totp_step           INTEGER NOT NULL,
    -- sessions of an earlier generation are void: signing out everywhere counts one up
    generation          INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    last_sign_in_at     INTEGER,
    revision            INTEGER NOT NULL,
    -- binds status, address, password, second factor, generation and all roles together
    mac                 BLOB NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
-- Sign-in finds a user before any tenant is known.
CREATE UNIQUE INDEX users_id ON users (id);
CREATE UNIQUE INDEX users_email ON users (email_hash);

CREATE TABLE user_roles (
    tenant_id  BLOB NOT NULL REFERENCES tenants (id),
    id         BLOB NOT NULL,
    user_id    BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    starts_at  INTEGER,
    ends_at    INTEGER,
    granted_by BLOB,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX user_roles_once ON user_roles (user_id, tenant_id, role);

-- Codes for whoever has lost the second factor; each works once.
CREATE TABLE recovery_codes (
    user_id   BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash BLOB NOT NULL,
    used_at   INTEGER,
    PRIMARY KEY (user_id, code_hash)
) STRICT;

-- Links that work once and for a short time: first administrator, invitation, new password, demonstration.
CREATE TABLE one_time_links (
    token_hash BLOB PRIMARY KEY,
    tenant_id  BLOB NOT NULL REFERENCES tenants (id),
    id         BLOB NOT NULL,
    user_id    BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('first_administrator', 'invitation', 'password_reset', 'demonstration')),
    created_by BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    mac        BLOB NOT NULL
) STRICT;
CREATE INDEX one_time_links_user ON one_time_links (user_id);
CREATE INDEX one_time_links_expiry ON one_time_links (expires_at);

-- Sessions of people, steps on the way to one, and tokens of programs. Only a keyed hash of the token is here.
CREATE TABLE access_tokens (
    token_hash   BLOB PRIMARY KEY,
    -- the tenant that the bearer acts for
    tenant_id    BLOB NOT NULL REFERENCES tenants (id),
    id           BLOB NOT NULL,
    user_id      BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT NOT NULL CHECK (kind IN ('session', 'step', 'api')),
    -- steps only: what is still to be done
    step         TEXT,
    generation   INTEGER NOT NULL,
    -- name of an API token, or what kind of browser it is; sealed under the user's key
    label        BLOB,
    -- JSON list of object:action; NULL: whatever the user may
    scopes       TEXT,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    mac          BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX access_tokens_id ON access_tokens (id);
CREATE INDEX access_tokens_user ON access_tokens (user_id, kind, id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

-- Failed sign-ins per account, whether there is one or not; the hash is that of users.email_hash.
CREATE TABLE sign_in_attempts (
    account_hash BLOB PRIMARY KEY,
    failures     INTEGER NOT NULL,
    last_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_attempts_last ON sign_in_attempts (last_at);

-- The legal counterparts of tenants. tenant_id is the tenant that keeps the contract.
CREATE TABLE partners (
    tenant_id       BLOB NOT NULL REFERENCES tenants (id),
    id              BLOB NOT NULL,
    -- the franchisee or organisation that this partner runs
    counterpart_id  BLOB REFERENCES tenants (id),
    status          TEXT NOT NULL CHECK (status IN ('prospect', 'active', 'ended')),
    country         TEXT NOT NULL,
    contract_starts TEXT,
    contract_ends   TEXT,
    key_id          BLOB NOT NULL,
    identity        BLOB NOT NULL,
    contact         BLOB NOT NULL,
    -- contract number and terms
    financial       BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    mac             BLOB NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
CREATE INDEX partners_by_id ON partners (id);
CREATE INDEX partners_counterpart ON partners (counterpart_id, id);

-- People to talk to at a partner: data subjects, each with a key of their own.
CREATE TABLE partner_contacts (
    tenant_id  BLOB NOT NULL,
    id         BLOB NOT NULL,
    partner_id BLOB NOT NULL,
    function   TEXT NOT NULL CHECK (function IN ('owner', 'director', 'manager', 'finance', 'legal', 'other')),
    language   TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    key_id     BLOB NOT NULL,
    identity   BLOB NOT NULL,
    contact    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    mac        BLOB NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, partner_id) REFERENCES partners (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX partner_contacts_partner ON partner_contacts (tenant_id, partner_id, id);
