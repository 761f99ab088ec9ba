use kluis_core::args;
use serde_json::{Value, json};

use crate::identity::{ask, fetch, send};
use crate::support::app::{TestApp, read};

const WHY: &str = "a test looks into the database";

fn partner(test: &TestApp) -> Value {
    json!({
        "tenantId": test.north.to_string(), "status": "active", "country": "NL",
        "contractStarts": "2026-01-01", "contractEnds": "2030-12-31",
        "identity": { "legalName": "Canarypartner B.V.", "kvkNumber": "1234 5678", "contractNumber": "FR-17",
                      "terms": "Vijf procent van de omzet." },
        "contact": { "emails": ["kantoor@canarypartner.example"], "phones": ["020 123 4567"] },
    })
}

fn person() -> Value {
    json!({
        "function": "owner", "language": "nl", "primary": true,
        "identity": { "givenName": "Voor", "prefix": "Van Der", "familyName": "Canarymens" },
        "contact": { "emails": ["voor@canarypartner.example"], "phones": ["06-12345678"] },
    })
}

#[tokio::test]
async fn a_partner_and_its_contact_people_are_kept_and_changed() {
    for test in TestApp::both().await {
        let admin = test.as_("admin").to_owned();
        let (status, made) = send(&test, Some(&admin), "POST", "/v1/partners", partner(&test)).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(made["identity"]["kvkNumber"], "12345678");
        assert_eq!(made["contact"]["phones"], json!(["+31201234567"]));
        assert_eq!(made["withheld"], json!(["financial"]), "headquarters' administrator sees no payment data");
        let path = format!("/v1/partners/{}", made["id"].as_str().unwrap());

        let patch = json!({ "status": "ended", "identity": { "terms": null }, "contractEnds": "2026-11-30" });
        let (status, changed) = read(test.patch("admin", &path, "\"r1\"", &patch).await).await;
        assert_eq!((status, &changed["status"], &changed["revision"]), (200, &json!("ended"), &json!(2)), "{changed}");
        assert_eq!(changed["identity"].get("terms"), None);
        assert_eq!(changed["identity"]["contractNumber"], "FR-17");
        assert_eq!(read(test.patch("admin", &path, "\"r1\"", &patch).await).await.0, 412);
        let money = json!({ "financial": { "iban": "NL91ABNA0417164300" } });
        assert_eq!(read(test.patch("admin", &path, "*", &money).await).await.0, 403, "not seen, not written");
        let moved = json!({ "tenantId": test.south.to_string() });
        assert_eq!(read(test.patch("admin", &path, "*", &moved).await).await.0, 400);

        let contacts = format!("{path}/contacts");
        let (status, contact) = send(&test, Some(&admin), "POST", &contacts, person()).await;
        assert_eq!(status, 201, "{contact}");
        assert_eq!(contact["identity"]["displayName"], "Voor van der Canarymens");
        let one = format!("{contacts}/{}", contact["id"].as_str().unwrap());
        let patch = json!({ "function": "director", "contact": { "phones": null } });
        let (status, changed) = read(test.patch("admin", &one, "\"r1\"", &patch).await).await;
        assert_eq!((status, &changed["function"], changed["contact"].get("phones")), (200, &json!("director"), None));
        let (_, list) = fetch(&test, &admin, &contacts).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);

        let (status, early) = read(test.delete("admin", &one, "\"r2\"").await).await;
        assert_eq!(status, 409, "removing can't be undone: {early}");
        let away = json!({ "archived": true });
        let (status, put) = read(test.put("admin", &format!("{one}/archival"), "\"r2\"", Some(&away)).await).await;
        assert_eq!((status, put["archivedAt"].is_string()), (200, true), "{put}");
        assert_eq!(fetch(&test, &admin, &contacts).await.1["items"], json!([]));
        assert_eq!(read(test.delete("admin", &one, "\"r2\"").await).await.0, 412);
        assert_eq!(read(test.delete("admin", &one, "\"r3\"").await).await.0, 204);
        assert_eq!(fetch(&test, &admin, &one).await.0, 404);
        let no_match = ask(&test, Some(&admin), "DELETE", &one, None).await;
        assert_eq!(no_match.0.status(), 428);
    }
}

#[tokio::test]
async fn partners_are_scoped_filtered_paged_and_sealed() {
    for test in TestApp::both().await {
        let admin = test.as_("admin").to_owned();
        let (_, north) = send(&test, Some(&admin), "POST", "/v1/partners", partner(&test)).await;
        let mut other = partner(&test);
        other["tenantId"] = json!(test.south.to_string());
        other["status"] = json!("prospect");
        other["contractEnds"] = json!("2027-06-30");
        send(&test, Some(&admin), "POST", "/v1/partners", other).await;
        for (query, count) in [
            ("count=true", 2),
            ("count=true&status=prospect", 1),
            ("count=true&contractEndsBefore=2028-01-01", 1),
            ("count=true&contractEndsAfter=2028-01-01&status=prospect", 0),
        ] {
            let (status, list) = fetch(&test, &admin, &format!("/v1/partners?{query}")).await;
            assert_eq!((status, &list["total"]), (200, &json!(count)), "{query} {list}");
        }
        let path = format!("/v1/partners/{}", north["id"].as_str().unwrap());
        for who in ["sales", "sales_south", "manager_south"] {
            assert_eq!(fetch(&test, test.as_(who), &path).await.0, 404, "{who}");
        }
        let (status, seen) = fetch(&test, test.as_("analyst"), &path).await;
        assert_eq!(status, 404, "an analyst names the purpose first: {seen}");
        let request = test.client.get(&path).header("authorization", format!("Bearer {}", test.as_("analyst")));
        let (status, seen) = read(request.header("processing-purpose", "statistics").send().await).await;
        assert_eq!((status, seen.get("identity")), (200, None), "{seen}");
        assert_eq!(send(&test, Some(test.as_("manager")), "POST", "/v1/partners", partner(&test)).await.0, 403);

        let sql = "SELECT identity, contact FROM partners";
        for row in test.app.db.fetch_all_without_scope(WHY, sql, args![]).await.unwrap() {
            for bytes in [row.blob(0).unwrap(), row.blob(1).unwrap()] {
                let lower = bytes.to_ascii_lowercase();
                assert!(!lower.windows(6).any(|window| window == b"canary"));
            }
        }
    }
}

async fn made(test: &TestApp, path: &str, body: Value) -> Value {
    let (status, made) = read(test.post("admin", path, &body).await).await;
    assert_eq!(status, 201, "{} {made}", test.engine);
    made
}

fn named(name: &str, function: &str, primary: bool) -> Value {
    json!({ "function": function, "language": "nl", "primary": primary, "identity": { "familyName": name } })
}

#[tokio::test]
async fn contact_people_are_listed_in_pages_and_filtered() {
    for test in TestApp::both().await {
        let partner = made(&test, "/v1/partners", partner(&test)).await;
        let path = format!("/v1/partners/{}/contacts", partner["id"].as_str().unwrap());
        let mut ids = Vec::new();
        for (name, function, primary) in [("Een", "owner", true), ("Twee", "finance", false), ("Drie", "finance", true)]
        {
            ids.push(made(&test, &path, named(name, function, primary)).await["id"].clone());
        }
        let (mut seen, mut next) = (Vec::new(), format!("{path}?pageSize=2&count=true"));
        loop {
            let (status, page) = read(test.get("admin", &next).await).await;
            assert_eq!((status, &page["total"]), (200, &json!(3)), "{page}");
            seen.extend(page["items"].as_array().unwrap().iter().map(|contact| contact["id"].clone()));
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            next = format!("{path}?pageSize=2&count=true&cursor={cursor}");
        }
        // The tests' clock stands still, so that ids made after each other may come in any order.
        let text = |id: &Value| id.as_str().unwrap().to_owned();
        ids.sort_by_key(text);
        assert_eq!(seen, ids, "each once, in the order of their ids");
        for (query, count) in [("function=finance", 2), ("primary=true", 2), ("function=finance&primary=false", 1)] {
            let (_, page) = read(test.get("admin", &format!("{path}?{query}&count=true")).await).await;
            assert_eq!((&page["total"], page["items"].as_array().unwrap().len()), (&json!(count), count), "{query}");
        }
        let (status, _) = read(test.get("admin", &format!("{path}?function=king")).await).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn a_partner_is_put_away_and_taken_back() {
    for test in TestApp::both().await {
        let one = made(&test, "/v1/partners", partner(&test)).await;
        let path = format!("/v1/partners/{}", one["id"].as_str().unwrap());
        let archival = format!("{path}/archival");
        let (away, back) = (json!({ "archived": true }), json!({ "archived": false }));
        assert_eq!(read(test.put("manager", &archival, "\"r1\"", Some(&away)).await).await.0, 403, "may only look");
        let (status, put) = read(test.put("admin", &archival, "\"r1\"", Some(&away)).await).await;
        assert_eq!((status, &put["revision"], put["archivedAt"].is_string()), (200, &json!(2), true), "{put}");
        for (query, count) in [("", 0), ("?archived=true", 1), ("?archived=true&country=BE", 0)] {
            let (_, list) = read(test.get("admin", &format!("/v1/partners{query}")).await).await;
            assert_eq!(list["items"].as_array().unwrap().len(), count, "{query}");
        }
        assert_eq!(read(test.put("admin", &archival, "\"r1\"", Some(&back)).await).await.0, 412);
        let (status, put) = read(test.put("admin", &archival, "\"r2\"", Some(&back)).await).await;
        assert_eq!((status, put.get("archivedAt"), &put["identity"]), (200, None, &one["identity"]), "{put}");
        let events = format!("/v1/audit-events?recordId={}&action=partner.archive", one["id"].as_str().unwrap());
        let (_, events) = read(test.get("auditor", &events).await).await;
        assert_eq!(events["items"].as_array().map(Vec::len), Some(2), "{events}");
    }
}

#[tokio::test]
async fn rows_that_were_edited_in_the_database_are_refused() {
    for test in TestApp::both().await {
        let partner = made(&test, "/v1/partners", partner(&test)).await;
        let path = format!("/v1/partners/{}", partner["id"].as_str().unwrap());
        let contact = made(&test, &format!("{path}/contacts"), person()).await;
        let one = format!("{path}/contacts/{}", contact["id"].as_str().unwrap());
        for (edit, undo, path) in [
            ("UPDATE partners SET status = 'ended'", "UPDATE partners SET status = 'active'", &path),
            ("UPDATE partners SET contract_ends = NULL", "UPDATE partners SET contract_ends = '2030-12-31'", &path),
            ("UPDATE partners SET archived_at = 1", "UPDATE partners SET archived_at = NULL", &path),
            ("UPDATE partners SET contact = NULL", "", &path),
            ("UPDATE partner_contacts SET function = 'legal'", "UPDATE partner_contacts SET function = 'owner'", &one),
            ("UPDATE partner_contacts SET archived_at = 1", "UPDATE partner_contacts SET archived_at = NULL", &one),
            ("UPDATE partner_contacts SET contact = NULL", "", &one),
        ] {
            for (sql, expected) in [(edit, 500), (undo, 200)].into_iter().filter(|(sql, _)| !sql.is_empty()) {
                let mut tx = test.app.db.begin().await.unwrap();
                tx.execute_without_scope(WHY, sql, args![]).await.unwrap();
                tx.commit_without_event(WHY).await.unwrap();
                let (status, answer) = read(test.get("admin", path).await).await;
                assert_eq!(status, expected, "{} {sql} {answer}", test.engine);
            }
        }
    }
}

#[tokio::test]
async fn a_service_number_is_refused_and_faults_are_named() {
    let test = TestApp::sqlite().await;
    let mut draft = partner(&test);
    draft["identity"]["terms"] = json!("bsn 111222333");
    draft["contact"]["phones"] = json!(["020 123 4567", "geen"]);
    let (status, problem) = send(&test, Some(test.as_("admin")), "POST", "/v1/partners", draft).await;
    let pointers: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (400, vec!["/identity/terms", "/contact/phones/1"]), "{problem}");

    let made = made(&test, "/v1/partners", partner(&test)).await;
    let path = format!("/v1/partners/{}/contacts", made["id"].as_str().unwrap());
    let mut person = person();
    person["identity"]["givenName"] = json!("bsn 111222333");
    person["contact"]["emails"] = json!(["a@partner.example", "A@PARTNER.example", "a@partner.example"]);
    let (status, problem) = read(test.post("admin", &path, &person).await).await;
    let faults: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| (&e["pointer"], &e["code"])).collect();
    let expected =
        [("/identity/givenName", "bsn"), ("/contact/emails/2", "duplicate")].map(|(p, c)| (json!(p), json!(c)));
    assert!(status == 400 && expected.iter().all(|(p, c)| faults.contains(&(p, c))), "{problem}");
}
