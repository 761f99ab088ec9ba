//! What the policy calls a partner, and how each relation to one is spelled in SQL.

use kluis_core::access::{Entity, Object};
use kluis_core::{scoped_permissions, tenant_predicates};

/// The entity; its statements use the alias `p`. Contact people are seen with their partner.
#[derive(Debug)]
pub enum Partners {}

impl Entity for Partners {
    const OBJECT: Object = Object::Partner;

    tenant_predicates!("p", own: None, own_record: None, across: "");
}

scoped_permissions! { Partners;
    /// Looking partners and their contact people up, and listing them.
    Read = Partner: Read,
    Create = Partner: Create,
    /// Changing partners, and whatever is done with contact people.
    Update = Partner: Update,
    /// Putting partners and contact people away and taking them back, and removing contact people.
    Archive = Partner: Archive,
}
