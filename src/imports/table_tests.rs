use proptest::prelude::*;

use super::*;

fn read(text: &str, delimiter: Delimiter) -> Vec<(u64, Vec<String>)> {
    read_in_pieces(text, delimiter, text.len().max(1)).into_iter().map(|r| (r.line, r.fields)).collect()
}

fn read_in_pieces(text: &str, delimiter: Delimiter, size: usize) -> Vec<Record> {
    let mut reader = RecordReader::new(delimiter);
    let mut records = Vec::new();
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(size) {
        reader.push(&piece.iter().collect::<String>());
        records.extend(std::iter::from_fn(|| reader.next()));
    }
    reader.finish();
    records.extend(std::iter::from_fn(|| reader.next()));
    records
}

fn rows(expected: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
    expected.iter().map(|(line, fields)| (*line, fields.iter().map(|f| (*f).to_owned()).collect())).collect()
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let text = "naam;opmerking\r\nJan;\"een\r\ntwee\"\r\n\r\nPiet;\"zei \"\"ja\"\"\"\nKees;5\" buis\rWim;";
    let expected: [(u64, &[&str]); 5] = [
        (1, &["naam", "opmerking"]),
        (2, &["Jan", "een\r\ntwee"]),
        (5, &["Piet", "zei \"ja\""]),
        (6, &["Kees", "5\" buis"]),
        (7, &["Wim", ""]),
    ];
    assert_eq!(read(text, Delimiter::Semicolon), rows(&expected));
}

#[test]
fn a_quote_that_is_never_closed_costs_its_own_record_only() {
    let text = "a;b\n1;\"open\n2;x\n3;y\n";
    let records = read_in_pieces(text, Delimiter::Semicolon, 3);
    assert_eq!(
        records.iter().map(|r| (r.line, r.fault)).collect::<Vec<_>>(),
        [(1, None), (2, Some(RecordFault::Quote)), (3, None), (4, None)]
    );
    assert_eq!(records[3].fields, ["3", "y"]);
}

#[test]
fn a_record_without_end_is_named_and_passed_over() {
    let text = format!("a;b\n1;{}\n2;x\n", "z".repeat(3 * LONGEST_RECORD));
    let records = read_in_pieces(&text, Delimiter::Semicolon, 64 * 1024);
    assert_eq!(
        records.iter().map(|r| (r.line, r.fault)).collect::<Vec<_>>(),
        [(1, None), (2, Some(RecordFault::TooLong)), (3, None)]
    );
}

#[test]
fn an_open_quote_far_from_the_end_is_given_up_in_time() {
    let text = format!("a;b\n1;\"open\n{}", "2;x\n".repeat(LONGEST_RECORD));
    let records = read_in_pieces(&text, Delimiter::Semicolon, 64 * 1024);
    assert_eq!(records[1].fault, Some(RecordFault::Quote));
    assert_eq!(records.len(), 2 + LONGEST_RECORD);
    assert_eq!(records.last().map(|r| r.line), Some(2 + LONGEST_RECORD as u64));
}

#[test]
fn delimiters_are_told_apart() {
    for (text, delimiter) in [
        ("naam;plaats\nJan, de heer;A, B\nPiet;C\n", Delimiter::Semicolon),
        ("name,city\n\"Vries; de\",Utrecht\n", Delimiter::Comma),
        ("naam\tplaats\nJan; Piet, Kees\tUtrecht\n", Delimiter::Tab),
        ("naam, voluit;plaats;land\nJan;A;NL\nPiet;B;NL", Delimiter::Semicolon),
        ("naam;bedrag\nJan;1,50\nPiet;2,50\n", Delimiter::Semicolon),
        ("\"a;b\";c\n\"1,2\n3,4\";x\n", Delimiter::Semicolon),
        ("sep=,\nnaam,plaats;land\n", Delimiter::Comma),
        ("naam;plaats", Delimiter::Semicolon),
        ("naam,plaats", Delimiter::Comma),
        ("naam\nJan\nPiet, Kees\n", Delimiter::Semicolon),
        ("", Delimiter::Semicolon),
    ] {
        assert_eq!(Delimiter::detect(text), delimiter, "{text:?}");
    }
}

#[test]
fn debug_says_nothing() {
    let record = Record { line: 2, fields: vec!["geheim".to_owned()], fault: None };
    assert_eq!(format!("{record:?}"), "Record(line 2, 1 fields, None)");
}

proptest! {
    #[test]
    fn what_was_written_is_read_wherever_it_is_cut(
        table in prop::collection::vec(prop::collection::vec("[a-zë;,\t\" \r\n]{0,6}", 2..4), 1..6),
        cut in 1usize..9,
    ) {
        for delimiter in Delimiter::ALL {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter.byte()).flexible(true).from_writer(Vec::new());
            for record in &table {
                writer.write_record(record).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let records = read_in_pieces(&text, delimiter, cut);
            prop_assert!(records.iter().all(|r| r.fault.is_none()));
            prop_assert_eq!(records.into_iter().map(|r| r.fields).collect::<Vec<_>>(), table.clone());
        }
    }

    #[test]
    fn any_text_is_read_to_its_end_with_rising_lines(text in "[a-z;\"\r\n]{0,60}", cut in 1usize..9) {
        let whole = read_in_pieces(&text, Delimiter::Semicolon, 1000);
        let records = read_in_pieces(&text, Delimiter::Semicolon, cut);
        prop_assert_eq!(&records, &whole);
        prop_assert!(records.windows(2).all(|pair| pair[0].line < pair[1].line));
        let lines = u64::from(!text.is_empty()) + line_breaks(text.as_bytes());
        prop_assert!(records.last().is_none_or(|r| r.line <= lines));
    }
}
