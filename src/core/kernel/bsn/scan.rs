//! Cuts a text into groups of digits, with what stands around each, and leaves out those that are visibly a telephone
//! number, an IBAN or a date.
//!
//! Must never: keep anything of the text.

/// A row of digits, and what is known from its surroundings.
pub(super) struct Group<'a> {
    /// ASCII.
    pub digits: &'a [u8],
    /// The one separator between the group before and this one; `None` if they don't belong together.
    pub joint: Option<char>,
    /// In one piece with letters, or an amount of money.
    pub other: bool,
    /// A word for the citizen service number stands shortly before.
    pub told: bool,
    /// Nothing but fillers (`nr`, `is`) stands between that word and this.
    pub told_at_once: bool,
    /// Such a word stands shortly behind.
    pub named: bool,
    /// Such a word is the next one, and no other label stands before.
    pub named_at_once: bool,
}

/// A row of letters or a row of digits.
#[derive(Clone, Copy)]
struct Token {
    start: usize,
    end: usize,
    digits: bool,
    /// Part of something else that has digits of its own.
    masked: bool,
}

/// How far a word may stand from the number it tells of, in tokens and in bytes.
const REACH: (usize, usize) = (4, 40);
const FILLERS: [&str; 13] =
    ["nr", "nummer", "no", "number", "num", "is", "was", "van", "de", "klant", "zijn", "haar", "hun"];
const LABELS: [&str; 9] = ["kvk", "tel", "telefoon", "mobiel", "factuur", "order", "klantnummer", "btw", "rsin"];

/// The groups of digits in a text in lower case.
pub(super) fn groups(text: &str) -> Vec<Group<'_>> {
    let mut scan = Scan { text, tokens: tokens(text) };
    for start in 0..scan.tokens.len() {
        let end = scan.iban_end(start).or_else(|| scan.phone_end(start)).or_else(|| scan.date_end(start));
        if let Some(end) = end {
            scan.tokens[start..end].iter_mut().for_each(|token| token.masked = true);
        }
    }
    (0..scan.tokens.len()).filter_map(|index| scan.group(index)).collect()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (start, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        let end = start + c.len_utf8();
        let digits = c.is_ascii_digit();
        match tokens.last_mut() {
            Some(last) if last.end == start && last.digits == digits => last.end = end,
            _ => tokens.push(Token { start, end, digits, masked: false }),
        }
    }
    tokens
}

struct Scan<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Scan<'a> {
    fn text_of(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| &self.text[token.start..token.end])
    }

    /// The digits of a token that nothing has claimed yet.
    fn digits_of(&self, index: usize) -> Option<&'a str> {
        let free = self.tokens.get(index).is_some_and(|token| token.digits && !token.masked);
        free.then(|| self.text_of(index))
    }

    /// What stands between a token and the one before it.
    fn gap_before(&self, index: usize) -> &'a str {
        let start = match index.checked_sub(1).and_then(|before| self.tokens.get(before)) {
            Some(before) => before.end,
            None => 0,
        };
        let end = self.tokens.get(index).map_or(self.text.len(), |token| token.start);
        &self.text[start..end]
    }

    /// Whether the token is in one piece with the one before it.
    fn is_glued(&self, index: usize) -> bool {
        index > 0 && index < self.tokens.len() && self.gap_before(index).is_empty()
    }

    /// Where an IBAN ends that starts here: two letters, two digits, up to thirty more in groups, check digits right.
    fn iban_end(&self, start: usize) -> Option<usize> {
        if self.text_of(start).len() != 2
            || self.tokens[start].digits
            || self.is_glued(start)
            || !self.is_glued(start + 1)
        {
            return None;
        }
        let mut number = Vec::with_capacity(34);
        let mut found = None;
        for index in start..self.tokens.len() {
            let blank = index == start || matches!(self.gap_before(index), "" | " ");
            number.extend_from_slice(self.text_of(index).as_bytes());
            if !blank || number.len() > 34 {
                break;
            }
            if number.len() >= 15 && is_iban(&number) {
                found = Some(index + 1);
            }
        }
        found
    }

    /// Where a telephone number ends that starts here, with its country (`+31`, `0031`) or in the Dutch form (`06`, `020`).
    fn phone_end(&self, start: usize) -> Option<usize> {
        let first = self.digits_of(start)?;
        if self.is_glued(start) {
            return None;
        }
        let plus = self.gap_before(start).ends_with('+');
        let prefix = if !plus && first.starts_with("00") { 2 } else { 0 };
        let national = !plus && prefix == 0;
        if national && !(first.starts_with('0') && matches!(first.len(), 1..=4 | 10)) {
            return None;
        }
        let mut number = String::with_capacity(20);
        let mut found = None;
        for index in start.. {
            let Some(digits) =
                self.digits_of(index).filter(|_| index == start || is_dialled_gap(self.gap_before(index)))
            else {
                break;
            };
            number.push_str(digits);
            let dialled = &number[prefix.min(number.len())..];
            if dialled.len() > 15 {
                break;
            }
            if if national { dialled.len() == 10 } else { is_international(dialled) } {
                found = Some(index + 1);
            }
        }
        found
    }

    /// Where a date ends that starts here: three groups with one separator, day or year first.
    fn date_end(&self, start: usize) -> Option<usize> {
        let gap = self.gap_before(start + 1);
        if !matches!(gap, "-" | "/" | "." | " ") || self.gap_before(start + 2) != gap {
            return None;
        }
        let parts = [self.digits_of(start)?, self.digits_of(start + 1)?, self.digits_of(start + 2)?];
        let (day, month, year) = match parts.map(str::len) {
            [4, 1..=2, 1..=2] => (parts[2], parts[1], parts[0]),
            [1..=2, 1..=2, 4] => (parts[0], parts[1], parts[2]),
            _ => return None,
        };
        let within = |text: &str, range: std::ops::RangeInclusive<u16>| text.parse().is_ok_and(|n| range.contains(&n));
        (within(day, 1..=31) && within(month, 1..=12) && within(year, 1850..=2150)).then_some(start + 3)
    }

    fn group(&self, index: usize) -> Option<Group<'a>> {
        let digits = self.digits_of(index)?.as_bytes();
        let (told, told_at_once) = self.told(index);
        let (named, named_at_once) = self.named(index);
        let letters_before = self.is_glued(index) && !told_at_once;
        let other = letters_before || self.is_glued(index + 1) || self.is_amount(index);
        Some(Group { digits, joint: self.joint(index), other, told, told_at_once, named, named_at_once })
    }

    fn joint(&self, index: usize) -> Option<char> {
        self.digits_of(index.checked_sub(1)?)?;
        let gap = self.gap_before(index);
        match gap {
            "." | "-" | "/" => gap.chars().next(),
            _ if gap.bytes().all(|b| b == b' ') => Some(' '),
            _ => None,
        }
    }

    /// Looks back for a word that tells of the number.
    fn told(&self, index: usize) -> (bool, bool) {
        let mut at_once = true;
        for before in (index.saturating_sub(REACH.0)..index).rev() {
            let token = self.tokens[before];
            if token.digits || self.is_far(token.end, self.tokens[index].start) {
                break;
            }
            if self.is_keyword(before) {
                return (true, at_once);
            }
            at_once &= FILLERS.contains(&self.text_of(before));
        }
        (false, false)
    }

    /// Looks ahead for a word that names the number.
    fn named(&self, index: usize) -> (bool, bool) {
        let labelled = index > 0 && LABELS.contains(&self.text_of(index - 1));
        for after in index + 1..(index + 1 + REACH.0).min(self.tokens.len()) {
            let token = self.tokens[after];
            if token.digits || self.is_far(self.tokens[index].end, token.start) {
                break;
            }
            if self.is_keyword(after) {
                return (true, after == index + 1 && !labelled);
            }
        }
        (false, false)
    }

    fn is_far(&self, from: usize, to: usize) -> bool {
        to.saturating_sub(from) > REACH.1 || self.text[from..to].contains(['\n', ';', '!', '?'])
    }

    fn is_keyword(&self, index: usize) -> bool {
        let word = self.text_of(index);
        let next = || self.text_of(index + 1);
        let previous = |back: usize| index.checked_sub(back).map_or("", |index| self.text_of(index));
        match word {
            "sofi" | "burgerservice" => true,
            "service" => matches!(previous(1), "burger" | "citizen"),
            // Spelled with dots: the last letter is nearest to a number behind it, the first to one before it.
            "n" => previous(1) == "s" && previous(2) == "b",
            "b" => next() == "s" && self.text_of(index + 2) == "n",
            _ => ["bsn", "sofin", "burgerservicen"].iter().any(|start| word.starts_with(start)),
        }
    }

    /// A currency beside it, or decimals behind it.
    fn is_amount(&self, index: usize) -> bool {
        let currency = |index: usize| matches!(self.text_of(index), "eur" | "euro");
        let sign = |gap: &str| gap.contains(['€', '$', '£']);
        let decimals = self.gap_before(index + 1) == "," && self.digits_of(index + 1).is_some_and(|d| d.len() <= 2);
        sign(self.gap_before(index))
            || sign(self.gap_before(index + 1))
            || decimals
            || index.checked_sub(1).is_some_and(currency)
            || currency(index + 1)
    }
}

/// What people put between the parts of a telephone number.
fn is_dialled_gap(gap: &str) -> bool {
    gap.len() <= 3 && gap.chars().all(|c| matches!(c, ' ' | '.' | '-' | '/' | '(' | ')'))
}

/// Country and subscriber number: eleven digits for the Netherlands, a trunk zero not counted; elsewhere eight to fifteen.
fn is_international(digits: &str) -> bool {
    match digits.strip_prefix("31") {
        Some(national) => national.trim_start_matches('0').len() == 9 && national.len() <= 10,
        None => digits.len() >= 8,
    }
}

/// ISO 7064 MOD 97-10 over an IBAN in lower case.
fn is_iban(number: &[u8]) -> bool {
    let (head, rest) = number.split_at(4);
    let remainder = rest.iter().chain(head).try_fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => Some((remainder * 10 + u32::from(byte - b'0')) % 97),
        b'a'..=b'z' => Some((remainder * 100 + u32::from(byte - b'a') + 10) % 97),
        _ => None,
    });
    remainder == Some(1)
}
