//! What an API token is good for: a part of what its user may do, never more.

use super::vocabulary::{Action, Object};

/// The objects and actions that a token is restricted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenScopes {
    /// For each object the actions, bit `n` for the action with index `n`.
    actions: [u32; Object::COUNT],
    texts: Box<[Box<str>]>,
}

const _: () = assert!(Action::COUNT <= 32);

/// A text isn't a token scope: which one of the list, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scope {0} is not an object and an action")]
pub struct TokenScopeError(pub usize);

impl TokenScopes {
    /// Parses `object:action`; the object may be `*` (everything), an entity (`customer`, without its compartments), a
    /// compartment (`customer.contact`) or all compartments of an entity (`customer.*`); the action may be `*`.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, TokenScopeError> {
        let mut actions = [0; Object::COUNT];
        for (at, text) in texts.iter().enumerate() {
            let (objects, mask) = parse_one(text.as_ref()).ok_or(TokenScopeError(at))?;
            for object in objects {
                if let Some(held) = actions.get_mut(object.index()) {
                    *held |= mask;
                }
            }
        }
        Ok(Self { actions, texts: texts.iter().map(|text| text.as_ref().into()).collect() })
    }

    /// Whether the token is good for this.
    pub fn covers(&self, object: Object, action: Action) -> bool {
        self.actions.get(object.index()).is_some_and(|held| held & bit(action) != 0)
    }

    /// As they were given: what the user sees in the list of tokens.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(AsRef::as_ref)
    }
}

fn parse_one(text: &str) -> Option<(Vec<Object>, u32)> {
    let (objects, action) = text.split_once(':')?;
    let mask =
        if action == "*" { Action::ALL.iter().fold(0, |mask, a| mask | bit(*a)) } else { bit(Action::parse(action)?) };
    let objects = match objects.strip_suffix(".*") {
        Some(entity) => Object::parse(entity)?.parts().to_vec(),
        None if objects == "*" => Object::ALL.to_vec(),
        None => vec![Object::parse(objects)?],
    };
    (!objects.is_empty()).then_some((objects, mask))
}

const fn bit(action: Action) -> u32 {
    1 << action.index()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(texts: &[&str]) -> Vec<(Object, Action)> {
        let scopes = TokenScopes::parse(texts).expect("scopes");
        let pairs = Object::ALL.iter().flat_map(|o| Action::ALL.iter().map(move |a| (*o, *a)));
        pairs.filter(|(o, a)| scopes.covers(*o, *a)).collect()
    }

    #[test]
    fn a_scope_covers_what_it_names_and_nothing_else() {
        assert_eq!(covered(&[]), []);
        assert_eq!(covered(&["customer:read"]), [(Object::Customer, Action::Read)]);
        assert_eq!(
            covered(&["interaction.*:read"]),
            [(Object::InteractionNotes, Action::Read), (Object::InteractionSpecial, Action::Read)]
        );
        assert_eq!(covered(&["job:*"]).len(), Action::COUNT);
        assert_eq!(covered(&["*:read"]).len(), Object::COUNT);
        assert_eq!(covered(&["*:*"]).len(), Object::COUNT * Action::COUNT);
        assert_eq!(covered(&["job:read", "import:read"]).len(), 2);
    }

    #[test]
    fn other_texts_are_refused_by_their_place() {
        for wrong in [
            "",
            ":",
            "*",
            "customer",
            "customer:",
            ":read",
            "customer.*",
            "job.*:read",
            "customer:Read",
            "a:b:c",
            "customer.*.*:read",
        ] {
            assert_eq!(TokenScopes::parse(&["job:read", wrong]), Err(TokenScopeError(1)), "{wrong}");
        }
    }
}
