use kluis_core::args;
use serde_json::{Value, json};

use super::customers::draft;
use crate::support::app::{TestApp, read};

const PATH: &str = "/v1/customers/_duplicates";

async fn make(test: &TestApp, name: &str, body: &Value) -> String {
    let (status, view) = read(test.post(name, "/v1/customers", body).await).await;
    assert_eq!(status, 201, "{} {view}", test.engine);
    view["id"].as_str().unwrap().to_owned()
}

async fn find(test: &TestApp, name: &str, body: &Value) -> Value {
    let (status, found) = read(test.post(name, PATH, body).await).await;
    assert_eq!(status, 200, "{} {found}", test.engine);
    found
}

/// As [`find`], for a purpose.
async fn find_for(test: &TestApp, name: &str, purpose: &str, body: &Value) -> Value {
    let request = test.client.post(PATH).header("authorization", format!("Bearer {}", test.as_(name)));
    let (status, found) = read(request.header("processing-purpose", purpose).body_json(body).send().await).await;
    assert_eq!(status, 200, "{} {found}", test.engine);
    found
}

fn hits(found: &Value) -> Vec<(&str, u64)> {
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| (item["customer"]["id"].as_str().unwrap(), item["weight"].as_u64().unwrap())).collect()
}

fn codes(item: &Value) -> Vec<&str> {
    item["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

/// Somebody without an address of any kind.
fn person(given: &str, prefix: &str, family: &str) -> Value {
    let mut draft = draft("X");
    draft["identity"] = json!({ "person": { "givenName": given, "prefix": prefix, "familyName": family } });
    draft.as_object_mut().unwrap().remove("contact");
    draft
}

#[tokio::test]
async fn whoever_is_alike_is_found_with_the_reasons() {
    for test in TestApp::both().await {
        let mut berg = person("Maaike", "van der", "Berg");
        berg["identity"]["person"]["birthDate"] = json!("1980-02-03");
        berg["identity"]["externalIds"] = json!([{ "system": "kassa", "id": "K-17" }]);
        berg["contact"] = json!({
            "emails": [{ "address": "maaike@klant.example" }],
            "phones": [{ "number": "+31612345678" }],
            "addresses": [{ "street": "Dorpsstraat", "houseNumber": "1", "postcode": "1234 AB", "country": "NL" }],
        });
        let berg = make(&test, "sales", &berg).await;
        let mut mistyped = person("Maaike", "", "v.d. Bergh");
        mistyped["identity"]["person"]["birthDate"] = json!("1980-03-02");
        mistyped["contact"] = json!({ "addresses": [{ "houseNumber": "1", "postcode": "1234ab", "country": "NL" }] });
        let mistyped = make(&test, "sales", &mistyped).await;
        make(&test, "sales", &person("Sanne", "de", "Vries")).await;

        let of_berg = find(&test, "sales", &json!({ "customerId": berg })).await;
        let [(id, weight)] = hits(&of_berg)[..] else { panic!("{of_berg}") };
        assert_eq!((id, codes(&of_berg["items"][0])), (mistyped.as_str(), vec!["address", "name", "birth_date"]));
        let of_mistyped = find(&test, "sales", &json!({ "customerId": mistyped })).await;
        assert_eq!(hits(&of_mistyped), [(berg.as_str(), weight)], "both ways round the same");

        // What somebody is about to write down, in spellings of their own.
        for (draft, code) in [
            (json!({ "contact": { "emails": [{ "address": "Maaike@KLANT.example" }] } }), "email"),
            (json!({ "contact": { "phones": [{ "number": "06 - 12 34 56 78" }] } }), "phone"),
            (json!({ "identity": { "externalIds": [{ "system": "KASSA", "id": "K-17" }] } }), "external_id"),
        ] {
            let found = find(&test, "sales", &json!({ "draft": draft })).await;
            assert_eq!(hits(&found).len(), 1, "{draft} {found}");
            assert_eq!((hits(&found)[0].0, codes(&found["items"][0])), (berg.as_str(), vec![code]));
        }
        let copy = json!({
            "identity": { "person": { "givenName": "Maaike", "familyName": "van der Berg", "birthDate": "1980-02-03" } },
            "contact": { "phones": [{ "number": "0612345678" }] },
        });
        let found = find(&test, "sales", &json!({ "draft": copy, "minimumWeight": 1 })).await;
        let found_hits = hits(&found);
        assert_eq!(found_hits.iter().map(|hit| hit.0).collect::<Vec<_>>(), [&*berg, &*mistyped], "the likeliest first");
        let threshold = found_hits[0].1;
        let only = find(&test, "sales", &json!({ "draft": copy, "minimumWeight": threshold })).await;
        assert_eq!(hits(&only), found_hits[..1]);

        let first = find(&test, "sales", &json!({ "draft": copy, "minimumWeight": 1, "pageSize": 1 })).await;
        assert_eq!(hits(&first), found_hits[..1]);
        let mut next = json!({ "draft": copy, "minimumWeight": 1, "pageSize": 1 });
        next["cursor"] = first["nextCursor"].clone();
        let second = find(&test, "sales", &next).await;
        assert_eq!((hits(&second), second.get("nextCursor")), (found_hits[1..].to_vec(), None));
        next["minimumWeight"] = json!(2);
        let (status, _) = read(test.post("sales", PATH, &next).await).await;
        assert_eq!(status, 400, "a cursor belongs to its search");
    }
}

#[tokio::test]
async fn what_is_hidden_neither_finds_nor_weighs() {
    for test in TestApp::both().await {
        let account = json!({ "bankAccounts": [{ "iban": "NL91ABNA0417164300" }] });
        let mut with_iban = person("Jan", "", "Smit");
        with_iban["financial"] = account.clone();
        let smit = make(&test, "manager", &with_iban).await;
        let by_iban = json!({ "draft": { "financial": account }, "minimumWeight": 1 });
        assert_eq!(hits(&find_for(&test, "manager", "billing", &by_iban).await).len(), 1);
        assert_eq!(hits(&find_for(&test, "manager", "contract", &by_iban).await), []);
        assert_eq!(hits(&find(&test, "sales", &by_iban).await), []);

        // Whether the account is the same or another one, who doesn't see it gets the same answer.
        let name = json!({ "person": { "givenName": "Jan", "familyName": "Smit" } });
        let same = json!({ "draft": { "identity": name, "financial": account }, "minimumWeight": 1 });
        let other = json!({ "draft": { "identity": name, "financial": { "bankAccounts": [{ "iban": "NL88TRIO9564212325" }] } }, "minimumWeight": 1 });
        assert_eq!(find(&test, "sales", &same).await["items"], find(&test, "sales", &other).await["items"]);
        let seen = hits(&find_for(&test, "manager", "billing", &same).await)[0].1;
        assert!(seen > hits(&find(&test, "sales", &same).await)[0].1);

        // Names, addresses and numbers of the neighbours are theirs.
        make(&test, "sales_south", &draft("Smit")).await;
        let everything =
            json!({ "draft": { "identity": name, "contact": draft("Smit")["contact"] }, "minimumWeight": 1 });
        let found = find(&test, "sales", &everything).await;
        assert_eq!(hits(&found).iter().map(|hit| hit.0).collect::<Vec<_>>(), [&*smit]);
        for (name, status) in [("analyst", 403), ("regional", 403), ("sales_south", 404)] {
            let (answer, body) = read(test.post(name, PATH, &json!({ "customerId": smit })).await).await;
            assert_eq!(answer, status, "{name} {body}");
        }
    }
}

#[tokio::test]
async fn looking_for_duplicates_is_on_record_and_asks_for_one_thing() {
    const WHY: &str = "a test counts events";
    const EVENTS: &str = "SELECT COUNT(*) FROM audit_events WHERE action = 'customer.read'";
    for test in TestApp::both().await {
        let id = make(&test, "sales", &draft("Beeld")).await;
        let count = async || {
            let row = test.app.db.fetch_optional_without_scope(WHY, EVENTS, args![]).await.unwrap();
            row.unwrap().int(0).unwrap()
        };
        let before = count().await;
        find(&test, "sales", &json!({ "customerId": id })).await;
        assert_eq!(count().await, before + 1);
        let random = test.app.new_id::<kluis_core::kernel::id::Customer>();
        for (body, status) in [
            (json!({}), 400),
            (json!({ "customerId": id, "draft": {} }), 400),
            (json!({ "customerId": id, "minimumWeight": 0 }), 400),
            (json!({ "customerId": "cus_nobody" }), 400),
            (json!({ "draft": { "notes": {} } }), 400),
            (json!({ "customerId": random }), 404),
        ] {
            let (answer, view) = read(test.post("sales", PATH, &body).await).await;
            assert_eq!(answer, status, "{body} {view}");
        }
        assert_eq!(hits(&find(&test, "sales", &json!({ "draft": {} })).await), []);
    }
}
