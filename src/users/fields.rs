//! The declaration of the data of the people who sign in, with their roles, sessions and tokens.
//!
//! Must never: hold a value, or leave out what a view shows or a table keeps.

use kluis_core::privacy::{ColumnDeclaration as Column, Compartment, FieldDeclaration};

const USER: &str = "user";
const GRANT: &str = "role_grant";
const ACCESS: &str = "session";
const TABLE: &str = "users";

const fn of(
    entity: &'static str,
    compartment: Option<Compartment>,
    category: &'static str,
    field: &'static str,
) -> FieldDeclaration {
    FieldDeclaration {
        entity,
        field,
        compartment,
        category,
        purposes: &["administration", "compliance", "self_service"],
        retention_class: "user",
    }
}

const fn plain(entity: &'static str, field: &'static str) -> FieldDeclaration {
    of(entity, None, "dpv-pd:Professional", field)
}

const fn used(entity: &'static str, field: &'static str) -> FieldDeclaration {
    of(entity, None, "dpv-pd:Authenticating", field)
}

/// Every field of a user, of a role that was granted, and of a session or token.
pub const FIELDS: &[FieldDeclaration] = &[
    of(USER, Some(Compartment::Identity), "dpv-pd:Name", "displayName"),
    of(USER, Some(Compartment::Contact), "dpv-pd:EmailAddress", "email"),
    plain(USER, "status"),
    plain(USER, "language"),
    used(USER, "lastSignInAt"),
    used(USER, "secondFactor"),
    used(USER, "recoveryCodesLeft"),
    plain(USER, "roles"),
    plain(GRANT, "role"),
    plain(GRANT, "startsAt"),
    plain(GRANT, "endsAt"),
    plain(GRANT, "grantedBy"),
    plain(GRANT, "grantedAt"),
    // What a browser calls itself, and the name that somebody gave to a token: both in one sealed label.
    of(ACCESS, Some(Compartment::Identity), "dpv-pd:Identifying", "client"),
    of(ACCESS, Some(Compartment::Identity), "dpv-pd:Identifying", "name"),
    used(ACCESS, "lastUsedAt"),
    plain(ACCESS, "scopes"),
];

const fn column(column: &'static str, field: &'static str) -> Column {
    Column::plain(TABLE, column, USER, field)
}

const TOKENS: &str = "access_tokens";
const LINKS: &str = "one_time_links";

/// Every column of users, roles, sessions, tokens and one-time links.
pub const COLUMNS: &[Column] = &[
    Column::sealed(TABLE, USER, Compartment::Identity),
    Column::sealed(TABLE, USER, Compartment::Contact),
    column("status", "status"),
    column("language", "language"),
    column("last_sign_in_at", "lastSignInAt"),
    Column::impersonal(TABLE, "acting_tenant_id", "the organisation that the user acts for: an id"),
    Column::keyed(TABLE, "email_hash", "the address by which the user signs in"),
    Column::keyed(TABLE, "password", "Argon2id of the peppered password"),
    Column::impersonal(TABLE, "password_changed_at", "a time"),
    Column::whole(TABLE, "totp", "secret of the second factor"),
    Column::whole(TABLE, "totp_pending", "secret of a second factor that isn't confirmed yet"),
    Column::impersonal(TABLE, "totp_step", "the last time step that was used up"),
    Column::impersonal(TABLE, "generation", "rises when all sessions end"),
    Column::impersonal("user_roles", "user_id", "an id"),
    Column::plain("user_roles", "role", GRANT, "role"),
    Column::plain("user_roles", "starts_at", GRANT, "startsAt"),
    Column::plain("user_roles", "ends_at", GRANT, "endsAt"),
    Column::plain("user_roles", "granted_by", GRANT, "grantedBy"),
    Column::plain("user_roles", "granted_at", GRANT, "grantedAt"),
    Column::impersonal("recovery_codes", "user_id", "an id"),
    Column::keyed("recovery_codes", "code_hash", "a code that works once"),
    Column::impersonal("recovery_codes", "used_at", "a time"),
    Column::keyed(LINKS, "token_hash", "a link that works once"),
    Column::impersonal(LINKS, "user_id", "an id"),
    Column::impersonal(LINKS, "purpose", "what the link is good for"),
    Column::impersonal(LINKS, "created_by", "an id"),
    Column::impersonal(LINKS, "used_at", "a time"),
    Column::keyed(TOKENS, "token_hash", "a session's or program's token"),
    Column::impersonal(TOKENS, "user_id", "an id"),
    Column::impersonal(TOKENS, "kind", "session, token or half-done sign-in"),
    Column::impersonal(TOKENS, "step", "how far a sign-in has come"),
    Column::impersonal(TOKENS, "generation", "that of the user when it was made"),
    Column::whole(TOKENS, "label", "client of a session, name of a token"),
    Column::plain(TOKENS, "scopes", ACCESS, "scopes"),
    Column::plain(TOKENS, "last_used_at", ACCESS, "lastUsedAt"),
    Column::keyed("sign_in_attempts", "account_hash", "an address that somebody signs in with"),
    Column::impersonal("sign_in_attempts", "failures", "a count"),
    Column::impersonal("sign_in_attempts", "last_at", "a time"),
];
