//! Answers that are written as JSON on their way, and handed on as they are: to read a page of records into values only to
//! write them again would cost as much as all of its decryption.
//!
//! Must never: hold anything but one JSON value of the type that it names.

use std::marker::PhantomData;

use kluis_core::kernel::{Problem, ProblemKind};
use serde::Serialize;

/// A `T` as JSON text.
pub struct JsonText<T> {
    bytes: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

impl<T> JsonText<T> {
    /// The members are those of `T`, as it would be written itself.
    pub fn of(members: Members) -> Self {
        Self { bytes: members.close(), of: PhantomData }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// An object whose members are written one after the other.
pub struct Members(Vec<u8>);

impl Members {
    /// An object without members; `capacity` in bytes.
    pub(super) fn none(capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.push(b'{');
        Self(bytes)
    }

    /// The members of a value that is written as an object; `capacity` in bytes for it and those that follow.
    pub fn of(value: &impl Serialize, capacity: usize) -> Result<Self, Problem> {
        let mut bytes = Vec::with_capacity(capacity);
        serde_json::to_writer(&mut bytes, value).map_err(unwritable)?;
        bytes.pop();
        Ok(Self(bytes))
    }

    /// One more member.
    pub fn put(&mut self, name: &'static str, value: &impl Serialize) -> Result<(), Problem> {
        self.put_with(name, |bytes| serde_json::to_writer(bytes, value).map_err(unwritable))
    }

    /// One more member, whose value `write` appends as JSON.
    pub fn put_with<E>(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        write(&mut self.0)
    }

    /// One more member: a list of what is written already.
    pub(super) fn put_texts<T>(&mut self, name: &'static str, items: &[JsonText<T>]) -> Result<(), Problem> {
        self.put_with(name, |bytes| {
            bytes.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                bytes.extend_from_slice(&item.bytes);
            }
            bytes.push(b']');
            Ok(())
        })
    }

    fn close(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

fn unwritable(_: serde_json::Error) -> Problem {
    Problem::new(ProblemKind::Internal)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn members_follow_each_other_with_and_without_a_beginning() {
        let mut none = Members::none(0);
        none.put("a", &1).unwrap();
        none.put("b", &"x\"y").unwrap();
        let text = JsonText::<Value>::of(none);
        assert_eq!(text.as_bytes(), br#"{"a":1,"b":"x\"y"}"#);
        let mut page = Members::of(&json!({"c": null}), 0).unwrap();
        page.put_texts("items", &[text, JsonText::of(Members::none(0))]).unwrap();
        let page = JsonText::<Value>::of(page).into_bytes();
        assert_eq!(page, br#"{"c":null,"items":[{"a":1,"b":"x\"y"},{}]}"#);
    }
}
