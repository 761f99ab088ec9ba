//! Kinds of organisations in the tree.

use super::words;

words! {
    /// What kind of organisation a tenant is.
    TenantKind {
        Hq = "hq", "headquarters", "hoofdkantoor";
        Region = "region", "region", "regio";
        Franchisee = "franchisee", "franchisee", "franchisenemer";
        MemberOrg = "member_org", "member organisation", "ledenorganisatie";
        Ngo = "ngo", "charity", "goed doel";
    }
}
