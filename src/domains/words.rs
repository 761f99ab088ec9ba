//! The house's vocabulary in the document: one name means one thing, wherever it stands.
//!
//! A parameter or member that brings a text or an example of its own keeps it; these help out where it doesn't.
//!
//! Must never: hold the name, address or number of anybody real.

use crate::web::document::Word;

const fn word(name: &'static str, means: &'static str) -> Word {
    Word { name, means, example: None }
}

const fn shown(name: &'static str, means: &'static str, example: &'static str) -> Word {
    Word { name, means, example: Some(example) }
}

/// In alphabetical order, so that a name is found and added in one place.
pub const WORDS: &[Word] = &[
    shown("action", "What is done.", "read"),
    shown("actor", "Who did it.", "usr_01932f5e-8a70-7abc-8def-0123456789ab"),
    word("archivedAt", "When it was put away; absent while it is in use."),
    shown("branchNumber", "Number of the branch in the Dutch trade register, twelve digits.", "000012345678"),
    shown("category", "Category of personal data, a term of the W3C DPV.", "dpv-pd:PhysicalCharacteristic"),
    shown("city", "City or village.", "Voorbeelddorp"),
    shown("consentedPurposes", "Purposes that they consented to.", "marketing"),
    word("contractEnds", "Last day of the contract; absent while it has no end."),
    word("contractStarts", "First day of the contract."),
    shown("country", "Country, ISO 3166-1 alpha-2.", "NL"),
    word("createdAfter", "Only what was made after this time."),
    word("createdAt", "When it was made."),
    word("createdBefore", "Only what was made before this time."),
    word("createdBy", "The user who made it."),
    word("customerId", "The customer."),
    shown("displayName", "The name as people read it.", "Medewerker Voorbeeld"),
    shown("email", "E-mail address.", "medewerker@vestiging.example"),
    shown("emails", "E-mail addresses.", "medewerker@vestiging.example"),
    word("endsOn", "The last day; absent while there is no end."),
    word("expiresAt", "When it ends by itself."),
    shown("familyName", "Family name, without its prefix.", "Voorbeeld"),
    word("finishedAt", "When it ended; absent before."),
    shown("givenName", "Given name.", "Fenna"),
    word("grantedAt", "When it was given."),
    word("grantedBy", "The user who gave it."),
    shown("handle", "The name that they use there.", "voorbeeld"),
    shown("houseNumber", "House number, without its addition.", "12"),
    shown("iban", "Bank account number, ISO 13616.", "NL91ABNA0417164300"),
    word("id", "The id by which it is asked for."),
    shown("interests", "What they like.", "fietsen"),
    word("invalid", "Known not to work; kept from being entered again."),
    word("items", "All of them."),
    shown("kvkNumber", "Number in the Dutch trade register, eight digits.", "12345678"),
    shown("label", "What it is for, in a word.", "thuis"),
    shown("language", "Language to address them in, BCP 47.", "nl"),
    word("lastContactAt", "When somebody was in touch with them last."),
    word("lastSignInAt", "When they signed in last."),
    shown("legalName", "The name in the trade register.", "Voorbeeld Exploitatie B.V."),
    shown("name", "Its name.", "Voorbeeld"),
    shown("network", "The social network.", "mastodon"),
    shown("object", "An entity, or a compartment of it.", "customer.contact"),
    word("occurredAt", "When it took place."),
    word("ownerId", "The user who looks after it."),
    word("pageSize", "How many items a page has."),
    shown("password", "The password.", "fietspomp wolk anker"),
    shown("paymentNotes", "What to know about payments.", "Betaalt per kwartaal."),
    shown("phones", "Phone numbers.", "06-12345678"),
    shown("postcode", "Postcode, in the country's own form.", "1234 AB"),
    word("primary", "Whether it is used first."),
    shown("recordId", "The id of the record.", "cus_01932f5e-8a70-7abc-8def-0123456789ab"),
    shown("recoveryCodes", "Codes that work once each.", "AAAA-BBBB-CCCC-DDDD"),
    shown("region", "The first two digits of the primary address's postcode.", "12"),
    shown("relations", "To which rows.", "unit"),
    shown("remarks", "What to know about them.", "Belt liever na vijven."),
    word("revision", "Rises with every change; the ETag is made of it."),
    shown("role", "Name of a role, as policies know it.", "sales"),
    shown("roles", "Names of roles, as policies know them.", "sales"),
    shown("scopes", "What the token may do, as `object:action`.", "customer:read"),
    shown("secret", "The secret, in Base32.", "JBSWY3DPEHPK3PXP"),
    shown("source", "Where the data comes from.", "website"),
    word("startedAt", "When it began; absent before."),
    word("startsOn", "The first day."),
    shown("street", "Street, without the number.", "Voorbeeldstraat"),
    shown("subject", "What it is about, in a line.", "Vraag over de levering"),
    word("tenantId", "The tenant that it belongs to."),
    shown("token", "A token that stands for the one who holds it.", "klt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    shown("tradeName", "The name under which it trades.", "Voorbeeld Noord"),
    word("updatedAfter", "Only what was changed after this time."),
    word("updatedAt", "When it was changed last."),
    word("updatedBefore", "Only what was changed before this time."),
    shown("uri", "An address for programs.", "otpauth://totp/Kluis?secret=JBSWY3DPEHPK3PXP"),
    word("userId", "The user."),
    shown("vatNumber", "VAT number.", "NL000099998B57"),
    word("verified", "Proven to be theirs."),
    shown("withheld", "Compartments that you may not see.", "special"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_in_its_place() {
        for pair in WORDS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
    }
}
