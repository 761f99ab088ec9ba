//! Reading JSON strictly (RFC 8259, I-JSON RFC 7493): no byte order mark, no duplicate names, no NUL, bounded depth.
//!
//! Must never accept two readings of the same bytes, nor a text that a database can't hold.

use std::cell::RefCell;
use std::fmt;

use kluis_core::kernel::{Faults, Phrase, Problem, ProblemKind};
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 32;
/// How many faults of one request are named; the rest adds nothing for whoever mends it.
pub const MAX_FAULTS: usize = 100;

/// The value, and what is wrong in it although it can be read.
pub struct Parsed {
    pub value: Value,
    pub faults: Faults,
}

/// Reads one JSON text; [`ProblemKind::Malformed`] when it isn't one.
pub fn parse(bytes: &[u8]) -> Result<Parsed, Problem> {
    if bytes.is_empty() {
        return Err(malformed("The body is empty.", "De inhoud is leeg."));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(malformed(
            "The body starts with a byte order mark; send UTF-8 without one.",
            "De inhoud begint met een byte order mark; stuur UTF-8 zonder.",
        ));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(malformed("The body isn't valid UTF-8.", "De inhoud is geen geldige UTF-8."));
    };
    let found = RefCell::new(Found::default());
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Node { path: None, depth: 0, found: &found }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    let found = found.into_inner();
    match read {
        Ok(value) => Ok(Parsed { value, faults: found.faults }),
        Err(_) if found.too_deep => Err(malformed(
            "The body is nested too deeply; 32 levels are allowed.",
            "De inhoud is te diep genest; 32 niveaus zijn toegestaan.",
        )),
        Err(error) => {
            let problem = malformed("The body isn't valid JSON.", "De inhoud is geen geldige JSON.");
            Err(problem.member("line", error.line().to_string()).member("column", error.column().to_string()))
        }
    }
}

fn malformed(en: &'static str, nl: &'static str) -> Problem {
    Problem::new(ProblemKind::Malformed).detail(Phrase { en, nl })
}

/// Appends a name to a JSON pointer, escaped by RFC 6901.
pub fn push_pointer(pointer: &mut String, name: &str) {
    pointer.push('/');
    for letter in name.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[derive(Default)]
struct Found {
    faults: Faults,
    count: usize,
    too_deep: bool,
}

impl Found {
    fn add(&mut self, pointer: String, code: &'static str, detail: Phrase) {
        if self.count < MAX_FAULTS {
            self.faults.add(pointer, code, detail);
        }
        self.count += 1;
    }
}

/// Where the reader stands; linked through the stack, so that a pointer costs nothing until a fault needs it.
#[derive(Clone, Copy)]
struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Name(&'p str),
    Index(usize),
}

fn pointer(path: Option<&Path<'_>>) -> String {
    let Some(path) = path else { return String::new() };
    let mut text = pointer(path.parent);
    match path.step {
        Step::Name(name) => push_pointer(&mut text, name),
        Step::Index(index) => push_pointer(&mut text, &index.to_string()),
    }
    text
}

#[derive(Clone, Copy)]
struct Node<'p> {
    path: Option<&'p Path<'p>>,
    depth: usize,
    found: &'p RefCell<Found>,
}

impl Node<'_> {
    fn deeper<E: de::Error>(&self) -> Result<usize, E> {
        if self.depth < MAX_DEPTH {
            return Ok(self.depth + 1);
        }
        self.found.borrow_mut().too_deep = true;
        Err(E::custom("too deep"))
    }

    fn look_for_nul(&self, text: &str) {
        const NUL: Phrase = Phrase { en: "Holds the control character U+0000.", nl: "Bevat het stuurteken U+0000." };
        if text.contains('\0') {
            self.found.borrow_mut().add(pointer(self.path), "control_character", NUL);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    /// `7e2` is 700: JSON Schema and the types behind it count by value, not by spelling.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = value.fract() == 0.0 && value.abs() < EXACT;
        let integer = if whole { format!("{value:.0}").parse::<i64>().ok() } else { None };
        Ok(integer.map(Number::from).or_else(|| Number::from_f64(value)).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        self.look_for_nul(value);
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        self.look_for_nul(&value);
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut list = Vec::new();
        loop {
            let path = Path { parent: self.path, step: Step::Index(list.len()) };
            match items.next_element_seed(Node { path: Some(&path), depth, found: self.found })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        const TWICE: Phrase = Phrase { en: "This name stands here twice.", nl: "Deze naam staat hier dubbel." };
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = Path { parent: self.path, step: Step::Name(&name) };
            let node = Node { path: Some(&path), depth, found: self.found };
            node.look_for_nul(&name);
            let value = members.next_value_seed(node)?;
            if map.contains_key(&name) {
                self.found.borrow_mut().add(pointer(Some(&path)), "duplicate_name", TWICE);
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str) -> Vec<(String, &'static str)> {
        let parsed = parse(text.as_bytes()).unwrap();
        parsed.faults.into_vec().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn duplicate_names_and_nul_are_named_with_their_pointers() {
        assert_eq!(
            codes(r#"{"a":{"b":1,"b":2},"a":3}"#),
            [("/a/b".to_owned(), "duplicate_name"), ("/a".to_owned(), "duplicate_name")]
        );
        assert_eq!(codes(r#"{"x/y":[0,"a\u0000"]}"#), [("/x~1y/1".to_owned(), "control_character")]);
        assert_eq!(codes(r#"{"a":{"b":1},"c":{"b":1}}"#), []);
    }

    #[test]
    fn what_is_no_json_text_is_malformed() {
        for wrong in [&b""[..], b"\xEF\xBB\xBF{}", b"\"\xff\"", b"{", b"{} {}", b"nul", b"{'a':1}", b"[1,]", b"1e999"] {
            let problem = parse(wrong).err().unwrap();
            assert_eq!(problem.kind, ProblemKind::Malformed, "{wrong:?}");
        }
        assert!(parse(br#""\ud800""#).is_err(), "a lone surrogate is no text");
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nest(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse(nest(MAX_DEPTH + 1).as_bytes()).err().unwrap().kind, ProblemKind::Malformed);
        assert!(parse(nest(100_000).as_bytes()).is_err());
    }

    #[test]
    fn no_more_faults_than_anyone_reads() {
        let many: Vec<String> = (0..500).map(|n| format!(r#""k{n}":1,"k{n}":2"#)).collect();
        assert_eq!(codes(&format!("{{{}}}", many.join(","))).len(), MAX_FAULTS);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("a fraction", |f| f.is_finite() && f.fract() != 0.0).prop_map(Value::from),
            "[^\0]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[^\0]{0,6}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in any_json()) {
            let parsed = parse(value.to_string().as_bytes()).unwrap();
            prop_assert!(parsed.faults.is_empty());
            prop_assert_eq!(parsed.value, value);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
