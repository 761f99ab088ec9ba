//! Many short strings in few allocations, wiped when they go.
//!
//! Must never: move a page. A page that grew in place would leave its old memory behind, unwiped.

use zeroize::{Zeroize, Zeroizing};

/// Pages double from the first size to the last, so that a small tenant stays small.
const FIRST_PAGE: usize = 1 << 10;
const LAST_PAGE: usize = 1 << 15;

/// Where a string lies in its pool.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    page: u32,
    start: u16,
    length: u16,
}

/// Strings of at most 65,535 bytes; longer ones are cut.
#[derive(Default)]
pub(super) struct Pool {
    pages: Vec<Zeroizing<Vec<u8>>>,
    live: usize,
    dead: usize,
}

impl Pool {
    /// Keeps a copy of the text.
    pub fn add(&mut self, text: &str) -> Span {
        let text = clip(text).as_bytes();
        let has_room = self.pages.last().is_some_and(|page| page.capacity() - page.len() >= text.len());
        if !has_room {
            let last = self.pages.last().map_or(FIRST_PAGE / 2, |page| page.capacity());
            let size = (last * 2).min(LAST_PAGE).max(text.len());
            self.pages.push(Zeroizing::new(Vec::with_capacity(size)));
        }
        let number = self.pages.len().saturating_sub(1);
        let Some(page) = self.pages.last_mut() else {
            return Span::default();
        };
        // A string that fits starts below the last page size, or at the start of a page of its own.
        let start = u16::try_from(page.len()).unwrap_or(0);
        page.extend_from_slice(text);
        self.live += text.len();
        Span {
            page: u32::try_from(number).unwrap_or(u32::MAX),
            start,
            length: u16::try_from(text.len()).unwrap_or(u16::MAX),
        }
    }

    /// The bytes of a string, which are UTF-8.
    pub fn bytes(&self, span: Span) -> &[u8] {
        let start = usize::from(span.start);
        let page = self.pages.get(span.page as usize);
        page.and_then(|page| page.get(start..start + usize::from(span.length))).unwrap_or_default()
    }

    pub fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    /// Wipes a string. Its place is won back by [`Pool::repack`].
    pub fn wipe(&mut self, span: Span) {
        let start = usize::from(span.start);
        let length = usize::from(span.length);
        let page = self.pages.get_mut(span.page as usize);
        if let Some(bytes) = page.and_then(|page| page.get_mut(start..start + length)) {
            bytes.zeroize();
            self.live -= length;
            self.dead += length;
        }
    }

    /// Whether more is wiped than alive.
    pub fn is_wasteful(&self) -> bool {
        self.dead > self.live.max(LAST_PAGE)
    }

    /// A pool with nothing but these strings, whose spans are changed; the old pages are wiped.
    pub fn repack<'a>(&mut self, spans: impl Iterator<Item = &'a mut Span>) {
        let old = std::mem::take(self);
        for span in spans {
            *span = self.add(old.text(*span));
        }
    }

    /// Bytes of memory that the pool holds.
    pub fn capacity(&self) -> usize {
        let pages: usize = self.pages.iter().map(|page| page.capacity()).sum();
        pages + self.pages.capacity() * size_of::<Zeroizing<Vec<u8>>>()
    }
}

/// As much of a text as a pool takes.
pub(super) fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(usize::from(u16::MAX))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_and_are_wiped() {
        let mut pool = Pool::default();
        let texts: Vec<String> = (0..20_000).map(|n| format!("naam-é-{n}")).collect();
        let mut spans: Vec<Span> = texts.iter().map(|text| pool.add(text)).collect();
        assert!(spans.iter().zip(&texts).all(|(span, text)| pool.text(*span) == text));
        assert!(pool.pages.iter().all(|page| page.capacity() <= LAST_PAGE));
        for span in spans.drain(5_000..) {
            pool.wipe(span);
            assert!(pool.bytes(span).iter().all(|byte| *byte == 0));
        }
        assert!(pool.is_wasteful());
        let before = pool.capacity();
        pool.repack(spans.iter_mut());
        assert!(!pool.is_wasteful() && pool.capacity() < before / 2);
        assert!(spans.iter().zip(&texts).all(|(span, text)| pool.text(*span) == text));
    }

    #[test]
    fn very_long_strings_are_cut_at_a_character() {
        let mut pool = Pool::default();
        pool.add("kort");
        let span = pool.add(&"é".repeat(40_000));
        assert_eq!(pool.text(span).chars().count(), 32_767);
        let after = pool.add("na");
        assert_eq!(pool.text(after), "na");
    }
}
