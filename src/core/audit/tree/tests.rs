use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use super::{oracle, tile};

fn leaves(count: usize) -> Vec<Hash> {
    static LEAVES: LazyLock<Vec<Hash>> = LazyLock::new(|| (0..70_000_u64).map(|n| leaf(&n.to_be_bytes())).collect());
    LEAVES[..count].to_vec()
}

/// A tree with all of its tiles, the unfinished ones of every level included.
fn grown(leaves: &[Hash]) -> (Builder, HashMap<TileId, Tile>) {
    let mut builder = Builder::new();
    let full = leaves.iter().flat_map(|leaf| builder.push(*leaf)).collect::<Vec<_>>();
    let tiles = full.into_iter().chain(builder.unfinished());
    let tiles = tiles.map(|tile| (tile.id, tile)).collect();
    (builder, tiles)
}

fn folded(ranges: &[Range], tiles: &HashMap<TileId, Tile>) -> Vec<Hash> {
    let fold = |range: &Range| {
        assert!(range.tiles().iter().all(|id| tiles.contains_key(id)));
        fold(*range, |id| tiles.get(&id)).unwrap()
    };
    ranges.iter().map(fold).collect()
}

/// Sizes around the seams of tiles, and anything between.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1..20_usize, 250..260_usize, 500..530_usize, 1..1500_usize]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("KLUIS_LONG").is_some() { 2_000 } else { 64 }))]

    #[test]
    fn proofs_are_those_of_the_definition_and_hold(size in size(), index: Index, old: Index) {
        let all = leaves(size);
        let (builder, tiles) = grown(&all);
        let root = oracle::root(&all);
        prop_assert_eq!(builder.root(), root);

        let index = index.index(size);
        let path = folded(&inclusion(index as u64, size as u64).unwrap(), &tiles);
        prop_assert_eq!(&path, &oracle::path(index, &all));
        prop_assert_eq!(verify_inclusion(index as u64, size as u64, &all[index], &path, &root), Ok(()));

        let old = 1 + old.index(size);
        let proof = folded(&consistency(old as u64, size as u64).unwrap(), &tiles);
        prop_assert_eq!(&proof, &oracle::proof(old, &all));
        let old_root = oracle::root(&all[..old]);
        prop_assert_eq!(verify_consistency(old as u64, size as u64, &proof, &old_root, &root), Ok(()));
    }

    #[test]
    fn a_proof_in_an_earlier_tree_needs_no_other_tiles(size in size(), earlier: Index, index: Index) {
        let all = leaves(size);
        let (_, tiles) = grown(&all);
        let earlier = 1 + earlier.index(size);
        let index = index.index(earlier);
        let path = folded(&inclusion(index as u64, earlier as u64).unwrap(), &tiles);
        prop_assert_eq!(path, oracle::path(index, &all[..earlier]));
    }

    #[test]
    fn a_tree_goes_on_where_it_stood(size in size(), at: Index) {
        let all = leaves(size);
        let at = at.index(size + 1);
        let (_, tiles) = grown(&all);
        // Tiles as they are later, wider than they were.
        let tiles: Vec<_> = tiles.into_values().collect();
        let mut resumed = Builder::resume(at as u64, &tiles).unwrap();
        prop_assert_eq!(resumed.root(), oracle::root(&all[..at]));
        all[at..].iter().for_each(|leaf| drop(resumed.push(*leaf)));
        prop_assert_eq!(resumed.root(), oracle::root(&all));
        prop_assert_eq!(resumed.size(), size as u64);
    }

    #[test]
    fn nothing_else_is_proven(size in 2..700_usize, index: Index, old: Index, bit in 0..256_usize, which: Index) {
        let all = leaves(size);
        let root = oracle::root(&all);
        let flipped = |hash: &Hash| {
            let mut hash = *hash;
            hash[bit / 8] ^= 1 << (bit % 8);
            hash
        };
        let index = index.index(size);
        let path = oracle::path(index, &all);
        let included = |index: usize, size: usize, leaf: &Hash, path: &[Hash], root: &Hash| {
            verify_inclusion(index as u64, size as u64, leaf, path, root).is_ok()
        };
        prop_assert!(!included(index, size, &flipped(&all[index]), &path, &root));
        prop_assert!(!included(index, size, &all[index], &path, &flipped(&root)));
        for hashes in broken(&path, which, flipped) {
            prop_assert!(!included(index, size, &all[index], &hashes, &root));
        }
        for wrong in (0..size + 3).filter(|wrong| *wrong != index) {
            prop_assert!(!included(wrong, size, &all[index], &path, &root));
        }

        let old = 1 + old.index(size - 1);
        let proof = oracle::proof(old, &all);
        let old_root = oracle::root(&all[..old]);
        let consistent = |old: usize, new: usize, proof: &[Hash], roots: [&Hash; 2]| {
            verify_consistency(old as u64, new as u64, proof, roots[0], roots[1]).is_ok()
        };
        prop_assert!(!consistent(old, size, &proof, [&flipped(&old_root), &root]));
        prop_assert!(!consistent(old, size, &proof, [&old_root, &flipped(&root)]));
        prop_assert!(!consistent(old, size, &proof, [&root, &old_root]));
        for hashes in broken(&proof, which, flipped) {
            prop_assert!(!consistent(old, size, &hashes, [&old_root, &root]));
        }
        for wrong in (0..size + 3).filter(|wrong| *wrong != old) {
            prop_assert!(!consistent(wrong, size, &proof, [&old_root, &root]));
        }
    }
}

/// The proof with a bit flipped in any of its hashes, one hash missing, one too many, two swapped.
fn broken(proof: &[Hash], which: Index, flipped: impl Fn(&Hash) -> Hash) -> Vec<Vec<Hash>> {
    let mut found = Vec::new();
    for at in 0..proof.len() {
        let mut one = proof.to_vec();
        one[at] = flipped(&one[at]);
        found.push(one);
        found.push([&proof[..at], &proof[at + 1..]].concat());
    }
    let at = which.index(proof.len() + 1);
    found.push([&proof[..at], &[EMPTY], &proof[at..]].concat());
    if proof.len() > 1 {
        let mut swapped = proof.to_vec();
        let at = which.index(proof.len() - 1);
        swapped.swap(at, at + 1);
        found.push(swapped);
    }
    found
}

/// A wrong size of the whole tree isn't told by an inclusion proof alone (the path is the same in some): the root is what
/// a checkpoint binds to its size. Here: every size with its own root.
#[test]
fn small_trees_prove_nothing_wrong_at_all() {
    let all = leaves(20);
    let roots: Vec<_> = (0..=20).map(|size| oracle::root(&all[..size])).collect();
    for (size, root) in roots.iter().enumerate().skip(1) {
        for index in 0..size {
            let path = oracle::path(index, &all[..size]);
            for (other, other_root) in roots.iter().enumerate() {
                let holds = verify_inclusion(index as u64, other as u64, &all[index], &path, other_root).is_ok();
                assert_eq!(holds, other == size, "leaf {index} of {size} in {other}");
            }
        }
        for old in 1..=size {
            let proof = oracle::proof(old, &all[..size]);
            for (other, other_root) in roots.iter().enumerate() {
                let holds = verify_consistency(old as u64, other as u64, &proof, &roots[old], other_root).is_ok();
                // The same tree twice needs no proof.
                assert_eq!(holds, other == size || (proof.is_empty() && other == old), "{old} of {size} in {other}");
            }
        }
        assert_eq!(oracle::root(&all[..size]), *root);
    }
}

/// The example of the specification: a tree of 70,000.
#[test]
fn tiles_are_cut_as_the_specification_says() {
    let widths =
        |size: u64| tile::edge(size).into_iter().map(|(id, width)| (id.level, id.index, width)).collect::<Vec<_>>();
    assert_eq!(widths(70_000), [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
    assert_eq!(widths(256), [(1, 0, 1)]);
    assert_eq!(widths(0), []);
    let (builder, tiles) = grown(&leaves(70_000));
    let full = |level| tiles.values().filter(|tile| tile.id.level == level && tile.hashes.len() == WIDTH).count();
    assert_eq!((full(0), full(1), full(2)), (273, 1, 0));
    let unfinished: Vec<_> = builder.unfinished().iter().map(|t| (t.id.level, t.id.index, t.hashes.len())).collect();
    assert_eq!(unfinished, widths(70_000));
}

#[test]
fn three_levels_of_tiles_give_the_same_proofs() {
    let all = leaves(65_537);
    let (builder, tiles) = grown(&all);
    assert_eq!(builder.root(), oracle::root(&all));
    for index in [0, 255, 256, 65_535, 65_536] {
        assert_eq!(folded(&inclusion(index as u64, 65_537).unwrap(), &tiles), oracle::path(index, &all));
        assert_eq!(folded(&consistency(index as u64 + 1, 65_537).unwrap(), &tiles), oracle::proof(index + 1, &all));
    }
}

#[test]
fn what_is_no_tree_has_no_proof() {
    assert_eq!(Builder::new().root(), EMPTY);
    assert!(inclusion(0, 0).is_none() && inclusion(5, 5).is_none());
    assert!(consistency(0, 5).is_none() && consistency(6, 5).is_none());
    assert!(Builder::resume(3, &[]).is_none());
    let id = TileId { level: 0, index: 0 };
    assert!(Tile::from_bytes(id, &[]).is_none() && Tile::from_bytes(id, &[0; 33]).is_none());
    assert!(Tile::from_bytes(id, &[0; 32 * 257]).is_none());
    let narrow = Tile::from_bytes(id, &[0; 64]).unwrap();
    assert!(Builder::resume(3, &[narrow]).is_none());
}

fn signer() -> Signer {
    Signer::new("kluis.example/audit", &[7; 32]).unwrap()
}

#[test]
fn a_checkpoint_is_what_was_signed_and_nothing_else() {
    let checkpoint = Checkpoint { origin: "kluis.example/audit".to_owned(), size: 20_852_163, root: [9; 32] };
    let (signer, key) = (signer(), signer().verifier().to_string());
    let note = checkpoint.sign(&signer).unwrap();
    let key: VerifierKey = key.parse().unwrap();
    assert_eq!(Checkpoint::open(&note, &key), Ok(checkpoint.clone()));
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(Checkpoint::open(&changed, &key).is_err(), "bit {bit} of byte {at}");
            }
        }
    }
    for cut in 0..note.len() {
        assert!(note.get(..cut).is_none_or(|cut| Checkpoint::open(cut, &key).is_err()));
    }
    let elsewhere = Checkpoint { origin: "other.example/audit".to_owned(), ..checkpoint };
    assert!(elsewhere.sign(&signer).is_err());
    assert_eq!(Checkpoint::open(&signer.sign(&elsewhere.text()).unwrap(), &key), Err(NoteError::NoCheckpoint));
    for text in ["kluis.example/audit\n01\nCQ==\n", "kluis.example/audit\n+1\nAA==\n", "kluis.example/audit\n1\n", "\n"]
    {
        assert!(Checkpoint::open(&signer.sign(text).unwrap(), &key).is_err(), "{text}");
    }
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let key = signer().verifier().clone();
    assert_eq!(key.to_string().parse(), Ok(key.clone()));
    let text = key.to_string();
    for wrong in ["", "a+b", "a+00000000+AA==", &text[1..], &text[..text.len() - 4], &text.replace("audit", "other")] {
        assert!(wrong.parse::<VerifierKey>().is_err(), "{wrong}");
    }
    for name in ["", "a b", "a+b", "a\u{a0}b"] {
        assert!(VerifierKey::new(name, [0; 32]).is_none(), "{name:?}");
    }
    assert!(!format!("{:?}", signer()).contains("07"));
}

#[test]
fn notes_of_one_file_are_told_apart() {
    let note =
        |size| Checkpoint { origin: "kluis.example/audit".to_owned(), size, root: [9; 32] }.sign(&signer()).unwrap();
    let text = format!("{}\n{}\n\nnonsense\n\n{}", note(1), note(2), note(3));
    let key = signer().verifier().clone();
    let found: Vec<_> =
        read_all(&text).into_iter().map(|w| (w.line, Checkpoint::open(&w.note, &key).map(|c| c.size))).collect();
    assert_eq!(found, [(1, Ok(1)), (7, Ok(2)), (14, Err(NoteError::Form)), (16, Ok(3))]);
    assert!(read_all("\n\n").is_empty());
}
