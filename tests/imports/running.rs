use kluis::jobs::RowOutcome;
use serde_json::json;

use crate::brought::{as_truth, decide, export, ready, rows, run, scope, take_back, upload};
use crate::sample::{CSV, OBVIOUS, TRUTH};
use crate::support::app::{TestApp, read};

fn outcomes(results: &[kluis::jobs::RowResult]) -> Vec<(i64, RowOutcome, String)> {
    results.iter().map(|row| (row.line, row.outcome, row.codes.join(" "))).collect()
}

#[tokio::test]
async fn the_sample_gives_its_truth_dry_and_real_and_is_taken_back_to_the_byte() {
    for test in TestApp::both().await {
        let (before, rows_before) = (export(&test).await, rows(&test).await);
        let id = ready(&test, "manager", CSV, &OBVIOUS).await;
        let dry = run(&test, "manager", id, true).await;
        assert_eq!(export(&test).await, before, "a dry run writes nothing");
        let truth = TRUTH.replace("\r\n", "\n");
        for (found, truth) in as_truth(&dry).lines().zip(truth.lines()) {
            assert_eq!(found, truth, "{}", test.engine);
        }
        let real = run(&test, "manager", id, false).await;
        assert_eq!(as_truth(&real), as_truth(&dry));
        assert_eq!(export(&test).await.lines().count(), 1670);

        // Once more: everything is there already.
        let again = ready(&test, "manager", CSV, &OBVIOUS).await;
        let second = run(&test, "manager", again, false).await;
        let changed = second.iter().filter(|r| matches!(r.outcome, RowOutcome::Create | RowOutcome::Update)).count();
        assert_eq!(changed, 0);
        let unchanged = second.iter().filter(|r| r.outcome == RowOutcome::Unchanged).count();
        assert_eq!(unchanged, 1670);

        let undone = take_back(&test, "manager", id).await;
        assert!(undone.iter().all(|row| row.outcome == RowOutcome::Removed));
        assert_eq!(undone.len(), 1670);
        assert_eq!(export(&test).await, before);
        assert_eq!(rows(&test).await, rows_before, "to the byte");
        kluis_core::audit::verify(&test.app.db).await.expect("the log is whole");
    }
}

const FIRST: &str = "nr;achternaam;email;telefoon;opmerking;nieuwsbrief;iban\n\
    1;Eerste;eerste@klant.example;06-12348060;oude opmerking;ja;NL91ABNA0417164300\n\
    2;Tweede;tweede@klant.example;;;;\n\
    3;Derde;derde@klant.example;;;nee;\n";
const COLUMNS: [&str; 7] = ["externalId:oud", "familyName", "email", "phone", "remarks", "newsletter", "iban"];

#[tokio::test]
async fn keyed_lines_are_written_over_and_put_back_to_the_byte() {
    for test in TestApp::both().await {
        let id = ready(&test, "manager", FIRST.as_bytes(), &COLUMNS).await;
        run(&test, "manager", id, false).await;
        let (before, rows_before) = (export(&test).await, rows(&test).await);
        assert!(before.contains("\"consentedPurposes\":[\"marketing\"]"));
        let second = "nr;achternaam;email;telefoon;opmerking;nieuwsbrief;iban\n\
            1;Eerste-Nieuw;anders@klant.example;;nieuwe opmerking;nee;\n\
            2;Tweede;TWEEDE@klant.example;;;;\n\
            3;Derde;eerste@klant.example;;;;\n\
            4;Vierde;;0612348060;;;\n\
            5;Vijfde;vijfde@klant.example;;;;\n\
            1;Eerste;nog@klant.example;;;;\n";
        let id = ready(&test, "manager", second.as_bytes(), &COLUMNS).await;
        let dry = run(&test, "manager", id, true).await;
        let real = run(&test, "manager", id, false).await;
        assert_eq!(outcomes(&dry), outcomes(&real));
        assert_eq!(
            outcomes(&real),
            [
                (2, RowOutcome::Update, String::new()),
                (3, RowOutcome::Unchanged, String::new()),
                (4, RowOutcome::Duplicate, "email".to_owned()),
                (5, RowOutcome::Duplicate, "phone".to_owned()),
                (6, RowOutcome::Create, String::new()),
                (7, RowOutcome::Duplicate, "external_id".to_owned()),
            ]
        );
        assert_eq!(real[5].of_line, Some(2));
        assert!(real[2].record.is_some(), "the other one may be seen");
        let after = export(&test).await;
        assert!(after.contains("oude opmerking\\nnieuwe opmerking"), "{after}");
        assert!(!after.contains("marketing"), "the consent is withdrawn");
        assert!(after.contains("eerste@klant.example"), "what was there stays");
        let search = json!({ "where": { "field": "email", "operator": "eq", "value": "anders@klant.example" } });
        let (_, found) = read(test.post("manager", "/v1/customers/_search", &search).await).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1));

        let undone = take_back(&test, "manager", id).await;
        let expected = [(2, RowOutcome::Restored, String::new()), (6, RowOutcome::Removed, String::new())];
        assert_eq!(outcomes(&undone), expected);
        assert_eq!(export(&test).await, before);
        assert_eq!(rows(&test).await, rows_before, "what a manager can't see, index and MACs too");
        let (_, found) = read(test.post("manager", "/v1/customers/_search", &search).await).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(0), "the index is as it was");
        let (_, found) = read(test.post("manager", "/v1/customers/_search", &json!({ "name": "vijfde" })).await).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(0), "so is the directory");
    }
}

#[tokio::test]
async fn what_somebody_has_worked_on_since_stays_and_is_named() {
    for test in TestApp::both().await {
        let id = ready(&test, "manager", FIRST.as_bytes(), &COLUMNS).await;
        let made = run(&test, "manager", id, false).await;
        let customer = kluis_core::kernel::Id::<kluis_core::kernel::id::Customer>::from_uuid(made[1].record.unwrap());
        let path = format!("/v1/customers/{customer}");
        let (status, answer) = read(test.patch("sales", &path, "\"r1\"", &json!({ "status": "former" })).await).await;
        assert_eq!(status, 200, "{answer}");
        let undone = take_back(&test, "manager", id).await;
        let expected = [
            (2, RowOutcome::Removed, String::new()),
            (3, RowOutcome::Conflict, "changed_since".to_owned()),
            (4, RowOutcome::Removed, String::new()),
        ];
        assert_eq!(outcomes(&undone), expected);
        assert_eq!(export(&test).await.lines().count(), 1);
    }
}

#[tokio::test]
async fn whom_somebody_has_spoken_to_since_stays_also_when_that_was_put_away() {
    for test in TestApp::both().await {
        let id = ready(&test, "manager", FIRST.as_bytes(), &COLUMNS).await;
        let made = run(&test, "manager", id, false).await;
        let customer = |line: usize| {
            let record = made[line].record.expect("a record");
            kluis_core::kernel::Id::<kluis_core::kernel::id::Customer>::from_uuid(record)
        };
        let said = json!({ "customerId": customer(0), "channel": "phone", "direction": "inbound",
            "occurredAt": "2026-01-02T10:00:00Z", "subject": "Vraag", "sensitivity": "normal" });
        let (status, said) = read(test.post("manager", "/v1/interactions", &said).await).await;
        assert_eq!(status, 201, "{said}");
        let path = format!("/v1/interactions/{}", said["id"].as_str().expect("an id"));
        let (status, answer) = read(test.delete("manager", &path, "*").await).await;
        assert!(status < 300, "{status} {answer}");
        let undone = take_back(&test, "manager", id).await;
        let expected = [
            (2, RowOutcome::Conflict, "changed_since".to_owned()),
            (3, RowOutcome::Removed, String::new()),
            (4, RowOutcome::Removed, String::new()),
        ];
        assert_eq!(outcomes(&undone), expected);
        let (status, kept) = read(test.put("manager", &format!("{path}/restoration"), "*", None).await).await;
        assert_eq!((status, &kept["subject"]), (200, &json!("Vraag")), "{kept}");
    }
}

#[tokio::test]
async fn what_is_missing_or_not_allowed_is_refused() {
    for test in TestApp::both().await {
        let refused = upload(&test, "manager", b"PK\x03\x04\0\0").await.err().expect("no text");
        assert_eq!(refused.faults[0].code, "encoding");
        let refused = upload(&test, "manager", b"naam;email\n").await.err().expect("no lines");
        assert_eq!(refused.faults[0].code, "empty");
        assert_eq!(upload(&test, "analyst", FIRST.as_bytes()).await.err().expect("no right").kind.slug(), "forbidden");

        let opened = upload(&test, "manager", FIRST.as_bytes()).await.expect("it is taken");
        let id = opened.row.id;
        let scope = scope::<kluis::imports::Create>(&test, "manager").await;
        let undecided = kluis::imports::service::start(&test.app, &scope, id, true).await.err().expect("not decided");
        assert_eq!(undecided.faults[0].code, "mapping");
        let faults = decide(&test, "manager", id, &["email", "iban", "iban"]).await.err().expect("faults").faults;
        assert_eq!(faults.iter().map(|f| f.code).collect::<Vec<_>>(), ["columns", "field_twice", "name"]);

        // Sales may not write payment data.
        let id = upload(&test, "sales", b"naam;iban\nEerste;NL91ABNA0417164300\n").await.expect("it is taken").row.id;
        let refused = decide(&test, "sales", id, &["familyName", "iban"]).await.err().expect("not writable");
        assert_eq!((refused.kind.slug(), &*refused.members[0].1), ("field_not_permitted", "financial"));
    }
}
