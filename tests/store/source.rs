//! Rust source as far as SQL stands in it: texts, words and signs. Macros that put texts together are expanded, as long as
//! they have one arm and repeat nothing; with those that do more, nobody could read the SQL either.

use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

impl Token {
    pub fn is(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// Tokens of the program alone: what stands under `#[cfg(test)]` is left out.
pub fn program(source: &str) -> Vec<Token> {
    let tokens = tokens(source);
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if is_words(&tokens[at..], &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at += 7;
            at += item(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// How many tokens the item takes that begins here: up to its semicolon, or to the end of its block.
fn item(tokens: &[Token]) -> usize {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(';') => return at + 1,
            Token::Sign('{') => return at + group(&tokens[at..]),
            _ => {}
        }
    }
    tokens.len()
}

/// Texts, words and signs; no comments, no characters.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        match rest {
            ['/', '/', ..] => at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => at += rest.windows(2).position(|w| w == ['*', '/']).map_or(rest.len(), |end| end + 2),
            ['\'', '\\', _, '\'', ..] => at += 4,
            ['\'', _, '\'', ..] => at += 3,
            ['r', '"' | '#', ..] if raw(rest).is_some() => {
                let (text, length) = raw(rest).unwrap_or_default();
                tokens.push(Token::Text(text));
                at += length;
            }
            ['"', ..] => {
                let (text, length) = literal(&rest[1..]);
                tokens.push(Token::Text(text));
                at += length + 1;
            }
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let length = rest.iter().position(|c| !c.is_alphanumeric() && *c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].iter().collect()));
                at += length;
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    tokens.push(Token::Sign(*c));
                }
                at += 1;
            }
            [] => break,
        }
    }
    tokens
}

/// A text in which nothing is escaped, and how long its spelling is.
fn raw(chars: &[char]) -> Option<(String, usize)> {
    let signs = chars[1..].iter().take_while(|c| **c == '#').count();
    let inner = chars.get(1 + signs..)?.strip_prefix(&['"'])?;
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', signs)).collect();
    let length = inner.windows(end.len()).position(|window| window == end)?;
    Some((inner[..length].iter().collect(), 2 * signs + length + 3))
}

/// A text up to its closing quote, and how long its spelling is.
fn literal(chars: &[char]) -> (String, usize) {
    let (mut text, mut at) = (String::new(), 0);
    while at < chars.len() && chars[at] != '"' {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        match chars.get(at + 1) {
            Some('\n') => {
                at += 2;
                at += chars[at..].iter().take_while(|c| c.is_whitespace()).count();
            }
            Some('n') => {
                text.push('\n');
                at += 2;
            }
            Some(c) => {
                text.push(*c);
                at += 2;
            }
            None => at += 1,
        }
    }
    (text, at + 1)
}

/// How many tokens the group takes that opens here, its closing sign included.
pub fn group(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('{' | '(' | '[') => depth += 1,
            Token::Sign('}' | ')' | ']') if depth == 1 => return at + 1,
            Token::Sign('}' | ')' | ']') => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// What stands between commas.
pub fn arguments(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at < tokens.len() {
        match &tokens[at] {
            Token::Sign(',') => {
                found.push(&tokens[start..at]);
                at += 1;
                start = at;
            }
            Token::Sign('{' | '(' | '[') => at += group(&tokens[at..]),
            _ => at += 1,
        }
    }
    if start < tokens.len() {
        found.push(&tokens[start..]);
    }
    found
}

pub fn is_words(tokens: &[Token], words: &[&str]) -> bool {
    let same = |(token, word): (&Token, &&str)| match token {
        Token::Word(text) => text == word,
        Token::Sign(sign) => word.chars().eq([*sign]),
        Token::Text(_) => false,
    };
    tokens.len() >= words.len() && tokens.iter().zip(words).all(same)
}

/// Macros of one arm, by name.
#[derive(Default, Clone)]
pub struct Macros(BTreeMap<String, Macro>);

#[derive(Clone)]
struct Macro {
    pattern: Vec<Token>,
    body: Vec<Token>,
}

impl Macros {
    /// Adds those that are defined here; a later one of the same name hides an earlier one.
    pub fn add(&mut self, tokens: &[Token]) {
        for at in 0..tokens.len() {
            if is_words(&tokens[at..], &["macro_rules", "!"])
                && let Some(Token::Word(name)) = tokens.get(at + 2)
                && let Some(known) = one_arm(&tokens[at + 3..])
            {
                self.0.insert(name.clone(), known);
            }
        }
    }

    /// What a call of a macro stands for, and how many tokens the call takes.
    pub fn call(&self, tokens: &[Token]) -> Option<(Vec<Token>, usize)> {
        let [Token::Word(name), Token::Sign('!'), Token::Sign('(' | '{' | '['), ..] = tokens else { return None };
        let length = group(&tokens[2..]);
        let inner = &tokens[3..1 + length];
        Some((self.0.get(name)?.expand(inner)?, 2 + length))
    }

    /// A text, a `concat!`, or a call of a macro that gives a text: what it gives, and how many tokens it takes.
    pub fn text(&self, tokens: &[Token]) -> Option<(String, usize)> {
        match tokens {
            [Token::Text(text), ..] => Some((text.clone(), 1)),
            [Token::Word(name), Token::Sign('!'), Token::Sign('('), ..] if name == "concat" => {
                let length = group(&tokens[2..]);
                let parts = arguments(&tokens[3..1 + length]).into_iter().map(|part| self.whole(part));
                Some((parts.collect::<Option<String>>()?, 2 + length))
            }
            _ => {
                let (expanded, length) = self.call(tokens)?;
                Some((self.whole(&expanded)?, length))
            }
        }
    }

    /// The text that all of these tokens give.
    pub fn whole(&self, tokens: &[Token]) -> Option<String> {
        let (text, length) = self.text(tokens)?;
        (length == tokens.len()).then_some(text)
    }
}

fn one_arm(tokens: &[Token]) -> Option<Macro> {
    let block = &tokens[1..group(tokens).checked_sub(1)?];
    let length = group(block);
    let pattern = block.get(1..length.checked_sub(1)?)?.to_vec();
    let rest = &block[length..];
    if !is_words(rest, &["=", ">"]) {
        return None;
    }
    let body = &rest[2..];
    let end = group(body);
    let is_last = body[end..].iter().all(|token| token.is(';'));
    is_last.then(|| Macro { pattern, body: body[1..end - 1].to_vec() })
}

impl Macro {
    fn expand(&self, arguments: &[Token]) -> Option<Vec<Token>> {
        let mut bound: BTreeMap<&str, &[Token]> = BTreeMap::new();
        let (mut at, mut taken) = (0, 0);
        while at < self.pattern.len() {
            if let [Token::Sign('$'), Token::Word(name), Token::Sign(':'), Token::Word(_), ..] = &self.pattern[at..] {
                at += 4;
                let until = self.pattern.get(at);
                let mut end = taken;
                while end < arguments.len() && Some(&arguments[end]) != until {
                    let opens = matches!(arguments[end], Token::Sign('{' | '(' | '['));
                    end += if opens { group(&arguments[end..]) } else { 1 };
                }
                bound.insert(name.as_str(), &arguments[taken..end]);
                taken = end;
            } else {
                if arguments.get(taken) != self.pattern.get(at) {
                    return None;
                }
                at += 1;
                taken += 1;
            }
        }
        if taken != arguments.len() {
            return None;
        }
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < self.body.len() {
            match &self.body[at..] {
                [Token::Sign('$'), Token::Word(name), ..] if bound.contains_key(name.as_str()) => {
                    tokens.extend_from_slice(bound[name.as_str()]);
                    at += 2;
                }
                _ => {
                    tokens.push(self.body[at].clone());
                    at += 1;
                }
            }
        }
        Some(tokens)
    }
}

#[test]
fn texts_are_put_together_as_the_compiler_does() {
    let source = r#"
        macro_rules! columns { () => { "a, \
            b" }; }
        macro_rules! filtered { ($holds:literal, and: $more:expr) => { concat!("(", $holds, $more, ")") }; }
        const X: &str = concat!("SELECT ", columns!(), " FROM t WHERE ", filtered!("x = ", and: concat!("1", " ")));
        #[cfg(test)] mod tests { const Y: &str = "SELECT never"; }
        const LIFE: &'static str = "'"; // "SELECT not this"
        /* "nor this" */ const RAW: &str = r"\d";
    "#;
    let tokens = program(source);
    let mut macros = Macros::default();
    macros.add(&tokens);
    let start = tokens.iter().position(|token| *token == Token::Word("X".into())).expect("X");
    let (text, _) = macros.text(&tokens[start + 5..]).expect("a text");
    assert_eq!(text, "SELECT a, b FROM t WHERE (x = 1 )");
    let texts: Vec<&Token> = tokens.iter().filter(|token| matches!(token, Token::Text(_))).collect();
    assert_eq!(texts.len(), 10, "{texts:?}");
    assert!(tokens.contains(&Token::Text("'".into())) && tokens.contains(&Token::Text(r"\d".into())));
}
