//! Placeholder until the privacy floor lands.
use std::marker::PhantomData;
pub struct Sealed<T>(Vec<u8>, PhantomData<fn() -> T>);
impl<T> Sealed<T> {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    pub fn from_stored_bytes(b: Vec<u8>) -> Self {
        Self(b, PhantomData)
    }
}
#[derive(Debug, Clone, Copy)]
pub enum Compartment {
    Identity,
}
impl Compartment {
    pub const ALL: [Self; 1] = [Self::Identity];
    pub const fn name(self) -> &'static str {
        "identity"
    }
    pub const fn index(self) -> usize {
        0
    }
}
pub struct CompartmentSet;
impl CompartmentSet {
    pub fn iter(self) -> impl Iterator<Item = Compartment> {
        Compartment::ALL.into_iter()
    }
}
