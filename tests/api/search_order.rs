//! In which order a search answers, page by page and whatever it looks in, and what it finds exactly.

use std::fmt::Write as _;

use chrono::TimeDelta;
use kluis::tenants::model::{TenantDraft, TenantKind};
use kluis_core::access::{Policy, shipped};
use serde_json::{Value, json};

use super::bulk::{PATH as BULK, ended, make};
use super::customers::draft;
use super::network::{Network, enforce};
use crate::support::app::{Making, TestApp, read};

const PATH: &str = "/v1/customers/_search";

/// What one page of a search answers.
async fn page(test: &TestApp, token: &str, body: &Value) -> (u16, Value) {
    let request = test.client.post(PATH).header("authorization", format!("Bearer {token}"));
    read(request.body_json(body).send().await).await
}

/// The ids of all pages of this size, in their order.
async fn found(test: &TestApp, token: &str, body: &Value, size: usize) -> Vec<String> {
    let (mut ids, mut body) = (Vec::new(), body.clone());
    body["pageSize"] = json!(size);
    for _ in 0..100 {
        let (status, page) = page(test, token, &body).await;
        assert_eq!(status, 200, "{} {body} {page}", test.engine);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= size, "{body}");
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page.get("nextCursor") {
            Some(cursor) => body["cursor"] = cursor.clone(),
            None => return ids,
        }
    }
    panic!("{}: there is no end to {body}", test.engine);
}

/// The same as places in a list of ids, the same for every size of pages.
async fn order(test: &TestApp, token: &str, body: &Value, ids: &[String]) -> Vec<usize> {
    let place = |id: &String| ids.iter().position(|other| other == id).unwrap_or(usize::MAX);
    let whole: Vec<_> = found(test, token, body, 200).await.iter().map(place).collect();
    for size in [1, 2] {
        let pages: Vec<_> = found(test, token, body, size).await.iter().map(place).collect();
        assert_eq!(pages, whole, "{} in pages of {size}: {body}", test.engine);
    }
    whole
}

/// Makes a customer that is newer than all others.
async fn newer(test: &TestApp, who: &str, body: &Value) -> String {
    test.app.clock.advance(TimeDelta::milliseconds(10));
    make(test, who, body).await
}

fn eq(field: &str, value: &str) -> Value {
    json!({ "field": field, "operator": "eq", "value": value })
}

#[tokio::test]
async fn every_search_keeps_to_the_order_that_was_asked_for() {
    for test in TestApp::both().await {
        let mut ids = Vec::new();
        for name in ["Beek", "Zwart", "Beekman", "Adema"] {
            ids.push(newer(&test, "sales", &draft(name)).await);
        }
        let sales = test.as_("sales");
        let emails = json!({ "or": [
            eq("email", "adema@klant.example"), eq("email", "beek@klant.example"),
            eq("email", "zwart@klant.example"), eq("email", "beekman@klant.example"),
        ] });
        let searches = [
            json!({ "where": emails }),
            json!({ "where": eq("postcodeHouse", "1234 AB 1") }),
            json!({ "where": eq("city", "Ergens") }),
            json!({ "name": "voor" }),
            json!({ "name": "voor", "where": emails }),
        ];
        for search in searches {
            for (sort, expected) in [("name", [3, 0, 2, 1]), ("newest", [3, 2, 1, 0]), ("relevance", [3, 2, 1, 0])] {
                let mut search = search.clone();
                search["sort"] = json!(sort);
                assert_eq!(order(&test, sales, &search, &ids).await, expected, "{} {search}", test.engine);
            }
        }
        for (sort, expected) in [("relevance", [0, 2]), ("newest", [2, 0]), ("name", [0, 2])] {
            let search = json!({ "name": "beek", "sort": sort });
            assert_eq!(order(&test, sales, &search, &ids).await, expected, "{} {search}", test.engine);
        }
        let one = json!({ "name": "beek", "where": eq("email", "beekman@klant.example") });
        assert_eq!(order(&test, sales, &one, &ids).await, [2]);
    }
}

#[tokio::test]
async fn who_goes_by_a_name_that_is_missing_is_found_by_their_own() {
    for test in TestApp::both().await {
        let mut partner = draft("Midden");
        partner["identity"]["person"]["nameUse"] = json!("partner");
        let mut ids = vec![newer(&test, "sales", &partner).await];
        for name in ["Zwart", "Adema"] {
            ids.push(newer(&test, "sales", &draft(name)).await);
        }
        let sales = test.as_("sales");
        assert_eq!(order(&test, sales, &json!({ "name": "midden" }), &ids).await, [0], "{}", test.engine);
        assert_eq!(order(&test, sales, &json!({ "sort": "name" }), &ids).await, [2, 0, 1], "{}", test.engine);
    }
}

/// A seller sees the names of their own customers only; where they all live is seen by everybody.
const OWN_NAMES: &str = "\
p, role:sales, *, customer, read, unit, *, allow
p, role:sales, *, customer.contact, read, unit, *, allow
p, role:sales, *, customer.identity, read, own, *, allow
p, role:service, *, customer, read, unit, *, allow
p, role:service, *, customer.contact, read, own, *, allow
p, role:service, *, customer.identity, read, unit, *, allow
";

/// A shop: the ids of its customers, and the tokens of its seller and of its service desk.
struct Shop {
    ids: Vec<String>,
    sales: String,
    service: String,
}

/// Six customers: the seller's own `Zwart` and `Adema`, two whose names the seller doesn't see; then the same put away,
/// one of each.
async fn shop(test: &TestApp, hidden: [&str; 3]) -> Shop {
    let mut network = Network::default();
    let top = network.add_place(test, "hq", None).await;
    let place = network.add_place(test, "franchisee", Some(top)).await;
    let seller = network.add_member(test, place, &["sales"]).await;
    let service = network.add_member(test, place, &["service"]).await;
    let customers = [
        ("Zwart", Some(seller)),
        (hidden[0], None),
        ("Adema", Some(seller)),
        (hidden[1], None),
        ("Midden", Some(seller)),
        (hidden[2], None),
    ];
    for (at, (name, owner)) in customers.into_iter().enumerate() {
        test.app.clock.advance(TimeDelta::milliseconds(10));
        let mut draft = draft(name);
        draft["contact"]["emails"][0]["address"] = json!(format!("nummer{at}@klant.example"));
        network.add_row(test, place, owner, draft).await;
    }
    network.archive(test, 4).await;
    network.archive(test, 5).await;
    let token = |member: usize| network.people[member].token.to_string();
    let ids = network.rows.iter().map(|row| row.id.to_string()).collect();
    Shop { ids, sales: token(seller), service: token(service) }
}

#[tokio::test]
async fn a_name_that_is_hidden_places_nobody_and_hides_nobody() {
    for engine in ["sqlite", "postgres"] {
        let policy =
            Policy::open_without_shipped_invariants(shipped(), 1).map_err(|f| format!("{f:?}")).expect("a policy");
        let test = TestApp::made(engine, Making { policy: Some(policy), ..Making::default() }).await;
        let shops = [
            shop(&test, ["Beek", "Citroen", "Duin"]).await,
            shop(&test, ["Aalbers", "Zzz Achteraan met een heel lange naam", "Voor"]).await,
        ];
        let mut policy = OWN_NAMES.to_owned();
        for role in ["sales", "service"] {
            // Writing to a String can't fail.
            let _ = writeln!(policy, "role, {role}, hq franchisee, contract service, {role}, {role}");
        }
        enforce(&test, &policy).await;
        let emails: Vec<_> = (0..6).map(|at| eq("email", &format!("nummer{at}@klant.example"))).collect();
        for Shop { ids, sales, service } in &shops {
            let order = async |body: Value| order(&test, sales, &body, ids).await;
            let named_first = [2, 0, 3, 1];
            for search in [
                json!({ "sort": "name" }),
                json!({ "sort": "name", "where": { "or": emails } }),
                json!({ "sort": "name", "where": eq("postcodeHouse", "1234 AB 1") }),
                json!({ "sort": "name", "where": eq("city", "Ergens") }),
            ] {
                assert_eq!(order(search.clone()).await, named_first, "{engine} {search}");
                let mut away = search;
                away["archived"] = json!(true);
                assert_eq!(order(away.clone()).await, [4, 5], "{engine} {away}");
            }
            // Those without a visible name aren't found by one.
            for sort in ["relevance", "newest", "name"] {
                assert_eq!(order(json!({ "name": "voor", "sort": sort })).await, [2, 0], "{engine} {sort}");
            }
            // Nobody's address is visible to the service desk: it neither finds nor leaves out anybody.
            let address = eq("postcodeHouse", "1234 AB 1");
            for wanted in [address.clone(), json!({ "not": address })] {
                let (status, answer) = page(&test, service, &json!({ "where": wanted })).await;
                assert_eq!((status, &answer["items"]), (200, &json!([])), "{engine} {answer}");
            }
        }
    }
}

#[tokio::test]
async fn however_many_have_a_name_all_of_them_are_found() {
    const MANY: usize = 430;
    for test in TestApp::both().await {
        let rows: Vec<_> = (0..MANY).map(|at| draft(&format!("Talrijk{at}"))).collect();
        let (status, job) = read(test.post("manager", BULK, &json!({ "rows": rows, "dryRun": false })).await).await;
        assert_eq!(status, 202, "{} {job}", test.engine);
        let (job, _) = ended(&test, &job).await;
        assert_eq!(job["counts"], json!({ "create": MANY }), "{}", test.engine);
        let sales = test.as_("sales");
        let mut all = found(&test, sales, &json!({ "sort": "newest" }), 200).await;
        assert_eq!(all.len(), MANY);
        all.sort();
        for sort in ["relevance", "newest", "name"] {
            let mut ids = found(&test, sales, &json!({ "name": "talrijk", "sort": sort }), 150).await;
            ids.sort();
            assert!(ids == all, "{} {sort}: {} of {MANY}, each once", test.engine, ids.len());
        }
    }
}

#[tokio::test]
async fn a_telephone_number_is_read_by_the_country_of_the_tenant() {
    const TYPED: &str = "0470 12 34 56";
    for mut test in TestApp::both().await {
        let draft_of = TenantDraft {
            kind: TenantKind::Franchisee,
            parent_id: Some(test.region.to_string()),
            name: "Voorbeeld Antwerpen".to_owned(),
            country: "BE".to_owned(),
            kvk_number: None,
            branch_number: None,
            contract_starts: None,
            contract_ends: None,
            special_ground: None,
        };
        let antwerp = kluis::tenants::service::create_below(&test.app, &draft_of).await.expect("a tenant").id;
        let seller = test.person("sales_be", "sales", antwerp).await;
        test.people.insert("sales_be", seller);
        let with_number = |name: &str| {
            let mut draft = draft(name);
            draft["contact"]["phones"] = json!([{ "number": TYPED }]);
            draft
        };
        let ids = [
            newer(&test, "sales_be", &with_number("Peeters")).await,
            newer(&test, "sales_be", &draft("Janssens")).await,
            newer(&test, "sales", &with_number("Jansen")).await,
        ];
        let number = json!({ "where": eq("phone", TYPED) });
        let others = json!({ "where": { "not": eq("phone", TYPED) } });
        for (who, same, other) in
            [("sales_be", vec![0], vec![1]), ("sales", vec![2], vec![]), ("privacy", vec![2, 0], vec![1])]
        {
            let token = test.as_(who);
            assert_eq!(order(&test, token, &number, &ids).await, same, "{} {who}", test.engine);
            assert_eq!(order(&test, token, &others, &ids).await, other, "{} {who}", test.engine);
        }
        let abroad = json!({ "where": eq("phone", "+32 470 12 34 56") });
        assert_eq!(order(&test, test.as_("privacy"), &abroad, &ids).await, [0], "{}", test.engine);
    }
}

#[tokio::test]
async fn an_address_is_found_as_a_whole() {
    for test in TestApp::both().await {
        let mut ids = Vec::new();
        for (name, number, addition) in [("Een", "12", ""), ("Twee", "12", "A"), ("Drie", "13", "")] {
            let mut draft = draft(name);
            draft["contact"]["addresses"] = json!([
                { "houseNumber": "7", "postcode": "9876 ZY", "country": "NL", "primary": true },
                { "houseNumber": number, "addition": addition, "postcode": "1234 AB", "country": "NL" },
            ]);
            ids.push(newer(&test, "sales", &draft).await);
        }
        let mut abroad = draft("Vier");
        abroad["contact"]["addresses"] = json!([{ "houseNumber": "12", "postcode": "2000", "country": "BE" }]);
        ids.push(newer(&test, "sales", &abroad).await);
        let mut nowhere = draft("Vijf");
        nowhere["contact"].as_object_mut().unwrap().remove("addresses");
        ids.push(newer(&test, "sales", &nowhere).await);
        let sales = test.as_("sales");
        for (value, expected) in [
            ("1234 AB 12", vec![0]),
            ("1234ab 12", vec![0]),
            ("1234AB12", vec![0]),
            ("NL 1234 AB, 12", vec![0]),
            ("1234AB 12-a", vec![1]),
            ("1234 ab 12 A", vec![1]),
            ("1234 AB 13", vec![2]),
            ("BE 2000 12", vec![3]),
            ("9876ZY 7", vec![2, 1, 0]),
            ("1234 AB 1", vec![]),
        ] {
            let leaf = eq("postcodeHouse", value);
            let others: Vec<_> = (0..ids.len()).rev().filter(|at| !expected.contains(at)).collect();
            let found = order(&test, sales, &json!({ "where": leaf }), &ids).await;
            assert_eq!(found, expected, "{} {value}", test.engine);
            let found = order(&test, sales, &json!({ "where": { "not": leaf } }), &ids).await;
            assert_eq!(found, others, "{} not {value}", test.engine);
        }
        let any = json!({ "where": { "field": "postcodeHouse", "operator": "exists" } });
        assert_eq!(order(&test, sales, &any, &ids).await, [3, 2, 1, 0]);

        for (leaf, pointer, code) in [
            (eq("postcodeHouse", "1234 AB"), "/where/and/0/value", "postcode_house"),
            (eq("postcodeHouse", "Dorpsstraat 12"), "/where/and/0/value", "postcode_house"),
            (
                json!({ "field": "postcodeHouse", "operator": "startsWith", "value": "1234 AB 12" }),
                "/where/and/0/operator",
                "operator",
            ),
        ] {
            let (status, problem) = page(&test, sales, &json!({ "where": { "and": [leaf] } })).await;
            let fault = &problem["errors"][0];
            assert_eq!((status, &fault["pointer"], &fault["code"]), (400, &json!(pointer), &json!(code)), "{problem}");
        }
        let (status, problem) =
            page(&test, test.as_("analyst"), &json!({ "where": eq("postcodeHouse", "1234 AB 12") })).await;
        assert_eq!(status, 403, "{problem}");
    }
}
