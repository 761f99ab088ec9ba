//! The last step before a value leaves: a decision says which compartments are open, and only then is there a key turned.
//!
//! Must never: make a decision (the access floor does), decrypt what is withheld, or offer another way to a [`Shown`].

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::{Compartment, CompartmentSet, Context, DataKey, Result, Sealed};

/// What one caller may see of one row. Made by the access floor of this crate from a decision; it can't be forged outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disclosure {
    clear: CompartmentSet,
}

impl Disclosure {
    /// Nothing at all.
    pub const WITHHELD: Self = Self { clear: CompartmentSet::EMPTY };

    pub(crate) const fn decided(clear: CompartmentSet) -> Self {
        Self { clear }
    }

    /// The compartments that are shown in clear.
    pub const fn clear(self) -> CompartmentSet {
        self.clear
    }

    /// Opens a sealed compartment if it may be seen; otherwise the ciphertext isn't touched.
    ///
    /// `row` is the context of the row. The part is taken from the compartment, not from the caller, so that a value of
    /// one compartment can't be had by naming another; revision and schema are those that the value was sealed with.
    pub fn open<T: DeserializeOwned>(
        self,
        compartment: Compartment,
        sealed: &Sealed<T>,
        key: &DataKey,
        row: &Context,
    ) -> Result<Shown<T>> {
        if !self.clear.contains(compartment) {
            return Ok(Shown(State::Withheld));
        }
        sealed.open(key, &row.of(compartment.name(), sealed)).map(|value| Shown(State::Clear(value)))
    }

    /// The same, as the JSON text that was sealed, appended to an answer that hands a whole compartment on. Nothing is
    /// appended when it is withheld, or doesn't open.
    pub fn write<T: DeserializeOwned>(
        self,
        compartment: Compartment,
        sealed: &Sealed<T>,
        key: &DataKey,
        row: &Context,
        answer: &mut Vec<u8>,
    ) -> Result<()> {
        if !self.clear.contains(compartment) {
            return Ok(());
        }
        sealed.open_onto(key, &row.of(compartment.name(), sealed), answer)
    }

    /// For personal values that are not sealed by themselves: made only if they may be seen.
    pub fn show<T>(self, compartment: Compartment, value: impl FnOnce() -> T) -> Shown<T> {
        if self.clear.contains(compartment) { Shown(State::Clear(value())) } else { Shown(State::Withheld) }
    }
}

/// A personal value after the decision: the only personal type that is meant to be serialised.
#[derive(Clone)]
pub struct Shown<T>(State<T>);

#[derive(Clone)]
enum State<T> {
    Clear(T),
    Withheld,
}

impl<T> Shown<T> {
    pub const fn is_withheld(&self) -> bool {
        matches!(self.0, State::Withheld)
    }

    pub const fn clear(&self) -> Option<&T> {
        match &self.0 {
            State::Clear(value) => Some(value),
            State::Withheld => None,
        }
    }

    pub fn into_clear(self) -> Option<T> {
        match self.0 {
            State::Clear(value) => Some(value),
            State::Withheld => None,
        }
    }

    /// A part or another form of the value; what is withheld stays so.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Shown<U> {
        Shown(match self.0 {
            State::Clear(value) => State::Clear(change(value)),
            State::Withheld => State::Withheld,
        })
    }

    pub const fn as_ref(&self) -> Shown<&T> {
        Shown(match &self.0 {
            State::Clear(value) => State::Clear(value),
            State::Withheld => State::Withheld,
        })
    }
}

/// Clear values as they are. A view leaves a withheld field out (`skip_serializing_if = "Shown::is_withheld"`); one that
/// forgets it fails to serialise, rather than showing an empty value that could be taken for the truth.
impl<T: Serialize> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            State::Clear(value) => value.serialize(serializer),
            State::Withheld => Err(serde::ser::Error::custom("a withheld field is left out, not serialised")),
        }
    }
}

impl<T> std::fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_withheld() { "Withheld" } else { "Clear" })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use zeroize::Zeroizing;

    use super::super::{Algorithm, KeyId, VaultError};
    use super::*;

    const CONTEXT: Context = Context {
        tenant: Uuid::from_u128(1),
        table: "customers",
        part: "contact",
        row: Uuid::from_u128(2),
        subject: Uuid::from_u128(2),
        revision: 1,
        schema: 1,
    };

    fn key() -> DataKey {
        DataKey::new(KeyId::from_bytes([7; 16]), 1, Algorithm::Aes256Gcm, Zeroizing::new([1; 32])).unwrap()
    }

    #[test]
    fn what_is_withheld_is_never_decrypted() {
        let mut bytes = Sealed::seal(&key(), &CONTEXT, &"canary").unwrap().into_bytes();
        bytes[50] ^= 1;
        let broken = Sealed::<String>::from_stored_bytes(bytes);
        let identity = Disclosure::decided(CompartmentSet::of(&[Compartment::Identity]));
        assert!(identity.open(Compartment::Contact, &broken, &key(), &CONTEXT).unwrap().is_withheld());
        assert!(Disclosure::WITHHELD.show::<u8>(Compartment::Contact, || panic!("was made")).is_withheld());
        let contact = Disclosure::decided(CompartmentSet::of(&[Compartment::Contact]));
        let opened = contact.open(Compartment::Contact, &broken, &key(), &CONTEXT);
        assert!(matches!(opened, Err(VaultError::Integrity(_))));
    }

    #[test]
    fn a_value_of_another_compartment_is_not_had_by_naming_one_that_is_clear() {
        let sealed = Sealed::seal(&key(), &CONTEXT, &"canary".to_owned()).unwrap();
        let both = Disclosure::decided(CompartmentSet::of(&[Compartment::Identity, Compartment::Contact]));
        assert!(both.open(Compartment::Identity, &sealed, &key(), &CONTEXT).is_err());
        let later = Context { part: "", revision: 9, ..CONTEXT };
        let shown = both.open(Compartment::Contact, &sealed, &key(), &later).unwrap();
        assert_eq!(shown.clear().map(String::as_str), Some("canary"));
        let elsewhere = Context { row: Uuid::from_u128(3), ..CONTEXT };
        assert!(both.open(Compartment::Contact, &sealed, &key(), &elsewhere).is_err());
    }

    #[test]
    fn only_clear_values_serialise() {
        #[derive(Serialize)]
        struct View {
            #[serde(skip_serializing_if = "Shown::is_withheld")]
            name: Shown<String>,
            #[serde(skip_serializing_if = "Shown::is_withheld")]
            iban: Shown<String>,
        }
        let decision = Disclosure::decided(CompartmentSet::of(&[Compartment::Identity]));
        let name = decision.show(Compartment::Identity, || "Voorbeeld".to_owned());
        let iban = decision.show(Compartment::Financial, || "canary".to_owned()).map(|iban| iban + "!");
        assert!(serde_json::to_string(&iban).is_err());
        assert_eq!(format!("{name:?} {iban:?}"), "Clear Withheld");
        assert_eq!(serde_json::to_string(&View { name, iban }).unwrap(), r#"{"name":"Voorbeeld"}"#);
    }
}
