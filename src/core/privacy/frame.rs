//! Length-prefixed fields: two different lists of fields never give the same bytes.
//!
//! Everything that is authenticated (contexts, row MACs, wrapped keys) is written with this, and with nothing else.

/// Appends a 32-bit big-endian length and the bytes. Fields are names, ids and column values: far from 4 GiB.
pub(super) fn put(frame: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(field);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(fields: &[Vec<u8>]) -> Vec<u8> {
        let mut frame = Vec::new();
        for field in fields {
            put(&mut frame, field);
        }
        frame
    }

    proptest! {
        #[test]
        fn different_fields_differ(left: Vec<Vec<u8>>, right: Vec<Vec<u8>>) {
            prop_assert_eq!(left == right, framed(&left) == framed(&right));
        }

        #[test]
        fn a_moved_border_shows(bytes in prop::collection::vec(any::<u8>(), 1..40), cut: prop::sample::Index) {
            let (head, tail) = bytes.split_at(cut.index(bytes.len()));
            let moved = [head.to_vec(), tail.to_vec()];
            let joined = [bytes.clone(), Vec::new()];
            prop_assert_ne!(framed(&moved), framed(&joined));
        }
    }
}
