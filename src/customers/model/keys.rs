//! By what a customer is found although everything is sealed: the normalised forms that go into the blind index.

use kluis_core::kernel::{CountryCode, Email, HouseNumber, Iban, Phone, Postcode};
use kluis_core::privacy::IndexField;
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use super::{Address, CustomerDraft};

/// What is kept of a key while others are compared with it; never stored.
pub type KeyDigest = [u8; 16];

/// A value that may stand only once in a tenant.
pub struct ExactKey {
    pub field: IndexField,
    /// The normalised value.
    pub value: Zeroizing<String>,
    /// Where it stands in the draft.
    pub pointer: String,
}

impl ExactKey {
    /// Stands for the key where keys are compared in memory: half of SHA-256 over field and value.
    pub fn digest(&self) -> KeyDigest {
        let mut context = Context::new(&SHA256);
        context.update(self.field.name().as_bytes());
        context.update(b"\n");
        context.update(self.value.as_bytes());
        let digest = context.finish();
        std::array::from_fn(|at| digest.as_ref().get(at).copied().unwrap_or_default())
    }
}

fn key(field: IndexField, value: Zeroizing<String>, pointer: String) -> ExactKey {
    ExactKey { field, value, pointer }
}

/// `webshop` and `K-17` → one text; the separator can't stand in a system's name.
pub fn external_id_form(system: &str, id: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n{id}", system.to_ascii_lowercase()))
}

/// Keys that block a second customer: e-mail addresses, phone numbers, external ids. The draft is one that was checked, or
/// what was read from one.
pub fn exact_keys(draft: &CustomerDraft) -> Vec<ExactKey> {
    let mut keys = Vec::new();
    for (at, external) in draft.identity.external_ids.iter().enumerate() {
        let value = external_id_form(&external.system, &external.id);
        keys.push(key(IndexField::ExternalId, value, format!("/identity/externalIds/{at}")));
    }
    let Some(contact) = &draft.contact else { return keys };
    for (at, email) in contact.emails.iter().enumerate() {
        if let Ok(parsed) = Email::parse(&email.address) {
            keys.push(key(IndexField::Email, parsed.index_form(), format!("/contact/emails/{at}/address")));
        }
    }
    for (at, phone) in contact.phones.iter().enumerate() {
        if Phone::is_e164(&phone.number) {
            let value = Zeroizing::new(phone.number.clone());
            keys.push(key(IndexField::Phone, value, format!("/contact/phones/{at}/number")));
        }
    }
    keys
}

/// Keys by which one searches, but which several customers may share: IBAN, postcode with house number.
pub fn search_keys(draft: &CustomerDraft) -> Vec<ExactKey> {
    let mut keys = Vec::new();
    for (at, account) in draft.financial.iter().flat_map(|f| &f.bank_accounts).enumerate() {
        if let Ok(iban) = Iban::parse(&account.iban) {
            let value = Zeroizing::new(iban.expose().to_owned());
            keys.push(key(IndexField::Iban, value, format!("/financial/bankAccounts/{at}/iban")));
        }
    }
    for (at, address) in draft.contact.iter().flat_map(|c| &c.addresses).enumerate() {
        if let Some(value) = address.index_form() {
            keys.push(key(IndexField::PostcodeHouse, value, format!("/contact/addresses/{at}")));
        }
    }
    keys
}

impl Address {
    /// The one spelling under which an address is indexed: country, postcode and house number. `None` for one that
    /// lacks any of them.
    pub fn index_form(&self) -> Option<Zeroizing<String>> {
        let country = CountryCode::parse(&self.country).ok()?;
        let postcode = Postcode::parse(self.postcode.as_deref()?, country).ok()?;
        let addition = self.addition.as_deref().unwrap_or_default();
        Some(HouseNumber::parse(self.house_number.as_deref()?, addition).ok()?.index_form(country, &postcode))
    }
}
