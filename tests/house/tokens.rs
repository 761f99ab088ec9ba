//! Rust source as words and signs, without comments; string contents are kept apart.
//!
//! Not a compiler: just enough of the lexical rules that nothing inside a comment or a string is taken for code.

/// What stands in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Word(String),
    /// `::`, or a single sign.
    Sign(&'static str),
    /// The contents of a string literal.
    Text(String),
    /// A sign that no rule asks about.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

impl Token {
    pub fn is(&self, sign: &str) -> bool {
        matches!(&self.kind, Kind::Sign(s) if *s == sign)
    }

    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
}

const SIGNS: &[&str] = &["::", "{", "}", "(", ")", "[", "]", ",", ";", "#", "!", "*", "<", ">", ".", "="];

pub fn tokens(source: &str) -> Vec<Token> {
    Lexer { rest: source, line: 1, found: Vec::new() }.run()
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    found: Vec<Token>,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        while let Some(first) = self.rest.chars().next() {
            if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.block_comment();
            } else if let Some(hashes) = raw_string(self.rest) {
                self.raw_string(hashes);
            } else if self.rest.starts_with('"') {
                self.string(0);
            } else if self.rest.starts_with("b\"") || self.rest.starts_with("c\"") {
                self.string(1);
            } else if first == '\'' {
                self.quote();
            } else if first.is_alphanumeric() || first == '_' {
                self.word();
            } else {
                self.sign(first);
            }
        }
        self.found
    }

    fn skip(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }

    fn push(&mut self, kind: Kind) {
        self.found.push(Token { kind, line: self.line });
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        let mut at = 0;
        while at < self.rest.len() {
            let here = &self.rest[at..];
            if here.starts_with("/*") {
                depth += 1;
                at += 2;
            } else if here.starts_with("*/") {
                depth -= 1;
                at += 2;
            } else {
                at += here.chars().next().map_or(1, char::len_utf8);
            }
            if depth == 0 {
                break;
            }
        }
        self.skip(at);
    }

    fn raw_string(&mut self, hashes: usize) {
        let start = self.rest.find('"').map_or(self.rest.len(), |at| at + 1);
        let end = format!("\"{}", "#".repeat(hashes));
        let length = self.rest[start..].find(&end).unwrap_or(self.rest.len() - start);
        self.push(Kind::Text(self.rest[start..start + length].to_owned()));
        self.skip((start + length + end.len()).min(self.rest.len()));
    }

    fn string(&mut self, prefix: usize) {
        let start = prefix + 1;
        let mut escaped = false;
        let mut end = self.rest.len();
        for (at, c) in self.rest[start..].char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == '"' {
                end = start + at;
                break;
            }
        }
        self.push(Kind::Text(self.rest[start..end].to_owned()));
        self.skip((end + 1).min(self.rest.len()));
    }

    /// A character, or a lifetime: `'a'`, `'\n'`, `'a`.
    fn quote(&mut self) {
        let after = &self.rest[1..];
        let first = after.chars().next().map_or(0, char::len_utf8);
        if after.starts_with('\\') {
            let skipped = after.chars().take(2).map(char::len_utf8).sum::<usize>();
            let close = after[skipped..].find('\'').unwrap_or(0);
            self.skip(1 + skipped + close + 1);
        } else if after[first..].starts_with('\'') {
            self.skip(1 + first + 1);
        } else {
            self.skip(1);
        }
    }

    fn word(&mut self) {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        self.push(Kind::Word(self.rest[..end].to_owned()));
        self.skip(end);
    }

    fn sign(&mut self, first: char) {
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
            self.push(Kind::Sign(sign));
            self.skip(sign.len());
        } else {
            self.push(Kind::Other);
            self.skip(first.len_utf8());
        }
    }
}

/// `r"`, `r#"`, `br#"`: the number of hashes.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokens(source).iter().filter_map(|t| t.word().map(str::to_owned)).collect()
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f \"g\\\" h\" r#\"i\" j\"# k"), ["a", "f", "k"]);
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert_eq!(words("x('\"', '\\'', '\\u{1f}', 'é') y<'a> z"), ["x", "y", "a", "z"]);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let found = tokens("a\n\"b\nc\"\n/*\n*/ d");
        assert_eq!(found.last().map(|t| t.line), Some(5));
    }
}
