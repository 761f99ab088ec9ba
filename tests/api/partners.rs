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

        let removal = test.client.delete(&one).header("authorization", format!("Bearer {admin}"));
        assert_eq!(removal.header("if-match", "\"r2\"").send().await.0.status(), 204);
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
}
