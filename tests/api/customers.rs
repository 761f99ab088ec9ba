use poem::test::TestResponse;
use serde_json::{Value, json};

use crate::support::app::{TestApp, read};

pub fn draft(name: &str) -> Value {
    json!({
        "kind": "person", "status": "active", "language": "nl", "source": "webshop", "legalBasis": "contract",
        "identity": { "person": { "givenName": "Voor", "prefix": "van der", "familyName": name } },
        "contact": {
            "emails": [{ "address": format!("{}@klant.example", name.to_lowercase()) }],
            "addresses": [{ "street": "Dorpsstraat", "houseNumber": "1", "postcode": "1234ab", "city": "Ergens", "country": "NL" }],
        },
    })
}

#[tokio::test]
async fn a_customer_is_made_found_changed_and_put_away() {
    for test in TestApp::both().await {
        let made = test.post("sales", "/v1/customers", &draft("Beeld")).await;
        let etag = made.0.headers()["etag"].to_str().unwrap().to_owned();
        let (status, view) = read(made).await;
        assert_eq!(status, 201, "{} {view}", test.engine);
        assert_eq!(view["identity"]["displayName"], "Voor van der Beeld");
        assert_eq!(view["contact"]["addresses"][0]["postcode"], "1234 AB");
        assert_eq!(view["region"], "12");
        let path = format!("/v1/customers/{}", view["id"].as_str().unwrap());

        let (status, found) = read(test.get("sales", "/v1/customers?pageSize=10").await).await;
        assert_eq!((status, found["items"].as_array().unwrap().len()), (200, 1), "{found}");

        for search in [
            json!({ "name": "beeld" }),
            json!({ "name": "beld v" }),
            json!({ "where": { "field": "email", "operator": "eq", "value": "BEELD@klant.example" } }),
            json!({ "where": { "and": [
                { "field": "postcode", "operator": "eq", "value": "1234AB" },
                { "not": { "field": "city", "operator": "eq", "value": "Elders" } },
            ] } }),
            json!({ "sort": "name" }),
        ] {
            let (status, found) = read(test.post("sales", "/v1/customers/_search", &search).await).await;
            assert_eq!((status, found["items"].as_array().map_or(0, Vec::len)), (200, 1), "{search} {found}");
        }

        let patch = json!({ "status": "former", "contact": { "emails": null } });
        let (status, stale) = read(test.patch("sales", &path, "\"r9\"", &patch).await).await;
        assert_eq!(status, 412, "{stale}");
        let (status, changed) = read(test.patch("sales", &path, &etag, &patch).await).await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!(changed["status"], "former");
        assert_eq!(changed["contact"].get("emails"), None);
        assert_eq!(changed["contact"]["addresses"][0]["city"], "Ergens");
    }
}

#[tokio::test]
async fn the_neighbour_finds_nothing_and_a_double_is_refused() {
    for test in TestApp::both().await {
        let (status, view) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        assert_eq!(status, 201, "{view}");
        let path = format!("/v1/customers/{}", view["id"].as_str().unwrap());
        let (status, _) = read(test.get("sales_south", &path).await).await;
        assert_eq!(status, 404);
        let (_, list) = read(test.get("sales_south", "/v1/customers").await).await;
        assert_eq!(list["items"], json!([]));
        let (status, double) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        assert_eq!((status, &double["customerId"]), (409, &view["id"]), "{double}");
        let (status, _) = read(test.post("sales_south", "/v1/customers", &draft("Beeld")).await).await;
        assert_eq!(status, 201);
        let (status, seen) = read(test.get("privacy", &path).await).await;
        assert_eq!(status, 200, "{seen}");
        let (status, _) = read(test.get("analyst", &path).await).await;
        assert_eq!(status, 404);
    }
}

#[tokio::test]
async fn every_fault_is_named() {
    for test in TestApp::both().await {
        let mut bad = draft("Beeld");
        bad["contact"]["emails"][0]["address"] = json!("nergens");
        bad["identity"]["person"]["birthDate"] = json!("2999-01-01");
        bad["notes"] = json!({ "remarks": "bsn 111222333" });
        bad["extra"] = json!(1);
        let (status, problem) = read(test.post("sales", "/v1/customers", &bad).await).await;
        assert_eq!(status, 400);
        assert_eq!(problem["errors"][0]["pointer"], "/extra", "{problem}");
        bad.as_object_mut().unwrap().remove("extra");
        let (_, problem) = read(test.post("sales", "/v1/customers", &bad).await).await;
        let pointers: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(
            pointers,
            ["/identity/person/birthDate", "/contact/emails/0/address", "/notes/remarks"],
            "{problem}"
        );
    }
}

/// What is sent, byte for byte.
async fn sent(answer: TestResponse) -> String {
    answer.0.into_body().into_string().await.unwrap()
}

#[tokio::test]
async fn a_record_is_written_alike_wherever_it_stands() {
    for test in TestApp::both().await {
        let mut whole = draft("Beeld");
        whole["notes"] = json!({ "remarks": "\"x\"\n\u{1F600}" });
        whole["profile"] = json!({ "interests": ["fietsen"] });
        whole["consentedPurposes"] = json!(["marketing"]);
        let made = test.post("sales", "/v1/customers", &whole).await;
        let (path, etag) = (made.0.headers()["location"].to_str().unwrap().to_owned(), tag(&made));
        let first = sent(made).await;
        assert_eq!(sent(test.get("sales", &path).await).await, first, "{}", test.engine);
        // The answer to a change goes through the values, the others hand on what was sealed.
        let made = sent(test.patch("sales", &path, &etag, &json!({ "status": "former" })).await).await;
        let view: Value = serde_json::from_str(&made).unwrap();
        assert!(view["withheld"].as_array().is_some_and(|names| !names.is_empty()), "{made}");
        assert_eq!(made.len(), first.len(), "as long as `active`");
        assert_eq!(sent(test.get("sales", &path).await).await, made, "{}", test.engine);
        let page = format!("{{\"items\":[{made}]}}");
        assert_eq!(sent(test.get("sales", "/v1/customers").await).await, page, "{}", test.engine);
        let search = json!({ "name": "beeld" });
        assert_eq!(sent(test.post("sales", "/v1/customers/_search", &search).await).await, page, "{}", test.engine);
        let counted = format!("{{\"items\":[{made}],\"total\":1}}");
        assert_eq!(sent(test.get("sales", "/v1/customers?count=true").await).await, counted, "{}", test.engine);
    }
}

/// Asks for a record unless it is still the one with this tag.
async fn unless(test: &TestApp, name: &str, path: &str, tag: &str) -> TestResponse {
    let request = test.client.get(path).header("authorization", format!("Bearer {}", test.as_(name)));
    request.header("if-none-match", tag).send().await
}

fn tag(answer: &TestResponse) -> String {
    answer.0.headers()["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_one_has_is_not_sent_again_but_the_look_is_on_record() {
    for test in TestApp::both().await {
        let (_, view) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        let id = view["id"].as_str().unwrap();
        let path = format!("/v1/customers/{id}");
        let looks = async || {
            let events = format!("/v1/audit-events?recordId={id}&action=customer.read&count=true");
            read(test.get("auditor", &events).await).await.1["total"].as_i64().unwrap()
        };
        let known = tag(&test.get("sales", &path).await);
        assert_eq!(looks().await, 1, "{}", test.engine);

        let same = unless(&test, "sales", &path, &known).await;
        assert_eq!((same.0.status().as_u16(), tag(&same)), (304, known.clone()), "{}", test.engine);
        assert_eq!(same.0.headers()["cache-control"], "no-store");
        assert!(!same.0.headers().contains_key("content-type"));
        assert_eq!(read(same).await.1, "", "nothing of the record");
        assert_eq!(looks().await, 2, "the look is on record");

        // Whoever sees something else of the same revision hasn't got it; whoever may not see it learns nothing.
        let (status, other) = read(unless(&test, "privacy", &path, &known).await).await;
        assert_eq!((status, &other["revision"]), (200, &view["revision"]), "{other}");
        for asked in [known.as_str(), "*"] {
            assert_eq!(unless(&test, "sales_south", &path, asked).await.0.status(), 404);
            assert_eq!(unless(&test, "analyst", &path, asked).await.0.status(), 404);
        }
        assert_eq!(looks().await, 3);

        // The last contact isn't a new revision, and is news all the same.
        let talk = json!({
            "customerId": id, "channel": "phone", "direction": "inbound", "occurredAt": "2026-09-20T10:00:00Z",
            "subject": "Vraag", "body": "Belt terug.",
        });
        let (status, talk) = read(test.post("sales", "/v1/interactions", &talk).await).await;
        assert_eq!(status, 201, "{talk}");
        let news = unless(&test, "sales", &path, &known).await;
        let newer = tag(&news);
        let (status, news) = read(news).await;
        assert_eq!((status, &news["revision"]), (200, &view["revision"]), "{news}");
        assert!(news["lastContactAt"].is_string(), "{news}");

        let (status, changed) = read(test.patch("sales", &path, &known, &json!({ "status": "former" })).await).await;
        assert_eq!(status, 200, "the older tag is of the same revision: {changed}");
        let (status, changed) = read(unless(&test, "sales", &path, &newer).await).await;
        assert_eq!((status, &changed["status"]), (200, &json!("former")), "{changed}");
    }
}

#[tokio::test]
async fn only_who_may_assign_gives_a_customer_to_somebody_else() {
    for test in TestApp::both().await {
        let (_, view) = read(test.post("sales", "/v1/customers", &draft("Beeld")).await).await;
        let path = format!("/v1/customers/{}", view["id"].as_str().unwrap());
        let give = json!({ "ownerId": test.people["sales"].id.to_string() });
        let (status, answer) = read(test.patch("service", &path, "\"r1\"", &give).await).await;
        assert_eq!(status, 403, "{} {answer}", test.engine);
        let (status, answer) = read(test.patch("service", &path, "\"r1\"", &json!({ "language": "en" })).await).await;
        assert_eq!(status, 200, "{} {answer}", test.engine);
        let (status, answer) = read(test.patch("manager", &path, "\"r2\"", &give).await).await;
        assert_eq!((status, &answer["ownerId"]), (200, &give["ownerId"]), "{} {answer}", test.engine);
    }
}

#[tokio::test]
async fn all_faults_of_a_customer_are_told_at_once() {
    let test = TestApp::sqlite().await;
    let mut wrong = draft("Beeld");
    wrong["ownerId"] = json!("niemand");
    wrong["consentedPurposes"] = json!(["marketing", "roddel"]);
    wrong["financial"] = json!({ "bankAccounts": [{ "iban": "NL00BANK0123456789" }] });
    wrong["contact"]["phones"] = json!([{ "number": "123456" }]);
    let (status, answer) = read(test.post("manager", "/v1/customers", &wrong).await).await;
    let found: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    for pointer in ["/ownerId", "/consentedPurposes/1", "/financial/bankAccounts/0/iban", "/contact/phones/0/number"] {
        assert!(status == 400 && found.contains(&pointer), "{pointer}: {answer}");
    }
}
