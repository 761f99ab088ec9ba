use kluis_core::args;
use serde_json::{Value, json};

use crate::identity::{PASSWORD, ask, email, fetch, send, sign_in, token, with_password};
use crate::support::app::{TestApp, read};

fn colleague(name: &str) -> Value {
    json!({ "email": email(name), "displayName": format!("Collega {name}"), "language": "nl" })
}

#[tokio::test]
async fn a_colleague_is_made_given_a_role_and_lets_themselves_in() {
    for test in TestApp::both().await {
        let manager = test.as_("manager").to_owned();
        let (status, made) = send(&test, Some(&manager), "POST", "/v1/users", colleague("nieuw")).await;
        assert_eq!((status, &made["status"]), (201, &json!("invited")), "{made}");
        assert_eq!(made["displayName"], "Collega nieuw");
        let path = format!("/v1/users/{}", made["id"].as_str().unwrap());
        let (status, grant) =
            send(&test, Some(&manager), "POST", &format!("{path}/roles"), json!({ "role": "sales" })).await;
        assert_eq!(status, 201, "{grant}");
        let (status, twice) =
            send(&test, Some(&manager), "POST", &format!("{path}/roles"), json!({ "role": "sales" })).await;
        assert_eq!(status, 409, "{twice}");
        let wish = json!({ "delivery": "answer" });
        let (status, link) = send(&test, Some(&manager), "POST", &format!("{path}/one-time-links"), wish).await;
        assert_eq!((status, &link["purpose"]), (200, &json!("invitation")), "{link}");
        let code = json!({ "code": link["code"] });
        let (_, redeemed) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
        let choice = json!({ "token": redeemed["choosePassword"]["token"], "password": PASSWORD });
        let (status, session) = send(&test, None, "POST", "/v1/password-choices", choice).await;
        assert_eq!(status, 201, "{session}");
        let session = session["token"].as_str().unwrap().to_owned();
        assert_eq!(fetch(&test, &session, "/v1/customers").await.0, 200);

        // Taking the role away counts from the next request on.
        let grant = format!("{path}/roles/{}", grant["id"].as_str().unwrap());
        assert_eq!(ask(&test, Some(&manager), "DELETE", &grant, None).await.0.status(), 428);
        assert_eq!(test.delete("manager", &grant, "\"r2\"").await.0.status(), 412);
        assert_eq!(test.delete("manager", &grant, "\"r1\"").await.0.status(), 204);
        assert_eq!(fetch(&test, &session, "/v1/customers").await.0, 401);
        assert_eq!(test.delete("manager", &grant, "\"r1\"").await.0.status(), 404);
    }
}

#[tokio::test]
async fn roles_are_listed_in_pages() {
    for test in TestApp::both().await {
        let manager = test.as_("manager").to_owned();
        let path = format!("/v1/users/{}/roles", test.people["sales"].id);
        assert_eq!(send(&test, Some(&manager), "POST", &path, json!({ "role": "service" })).await.0, 201);
        let (_, whole) = fetch(&test, &manager, &format!("{path}?count=true")).await;
        assert_eq!((whole["total"].clone(), whole.get("nextCursor")), (json!(2), None), "{whole}");
        let (_, first) = fetch(&test, &manager, &format!("{path}?pageSize=1")).await;
        let next = format!("{path}?pageSize=1&cursor={}", first["nextCursor"].as_str().unwrap());
        let (_, second) = fetch(&test, &manager, &next).await;
        let both = json!([first["items"][0], second["items"][0]]);
        assert_eq!((&both, second.get("nextCursor")), (&whole["items"], None));
        let elsewhere = next.replace(&test.people["sales"].id.to_string(), &test.people["service"].id.to_string());
        assert_eq!(fetch(&test, &manager, &elsewhere).await.0, 400, "a cursor belongs to its list");
    }
}

#[tokio::test]
async fn an_address_has_one_account_in_any_spelling() {
    for test in TestApp::both().await {
        let manager = test.as_("manager").to_owned();
        let mut double = colleague("sales");
        double["email"] = json!("SALES@Kluis.example");
        assert_eq!(send(&test, Some(&manager), "POST", "/v1/users", double).await.0, 409);
    }
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have_or_changes_their_own_roles() {
    for test in TestApp::both().await {
        let path = |name: &str| format!("/v1/users/{}/roles", test.people[name].id);
        let manager = test.as_("manager").to_owned();
        for (name, role, status) in [
            ("sales", "service", 201),
            ("sales", "privacy_officer", 403),
            ("sales", "hq_admin", 400),
            ("sales", "worker", 400),
            ("manager", "service", 403),
            ("sales_south", "service", 404),
            ("admin", "service", 404),
        ] {
            let (found, problem) = send(&test, Some(&manager), "POST", &path(name), json!({ "role": role })).await;
            assert_eq!(found, status, "{name} {role} {problem}");
        }
        let elsewhere = json!({ "role": "service", "tenantId": test.south.to_string() });
        assert_eq!(send(&test, Some(&manager), "POST", &path("sales"), elsewhere).await.0, 400);
        let admin = test.as_("admin").to_owned();
        let sales_rights = json!({ "role": "sales", "tenantId": test.north.to_string() });
        let (status, problem) = send(&test, Some(&admin), "POST", &path("manager"), sales_rights).await;
        assert_eq!(status, 403, "headquarters sees no customers, so it gives no such right: {problem}");
        assert_eq!(
            send(&test, Some(test.as_("sales")), "POST", &path("service"), json!({ "role": "sales" })).await.0,
            403
        );
    }
}

#[tokio::test]
async fn an_account_with_more_rights_can_not_be_taken_over() {
    for test in TestApp::both().await {
        let manager = test.as_("manager").to_owned();
        // Somebody of the same tenant who also oversees it.
        let overseer = kluis::users::model::UserDraft {
            email: email("toezicht"),
            display_name: "Toezicht".to_owned(),
            language: kluis::users::model::UserLanguage::Nl,
        };
        let roles = [(test.north, "privacy_officer")];
        let id = kluis::users::setup::create_user(&test.app, test.north, &overseer, &roles).await.unwrap();
        let path = format!("/v1/users/{id}");
        let wish = json!({ "delivery": "answer" });
        assert_eq!(send(&test, Some(&manager), "POST", &format!("{path}/one-time-links"), wish).await.0, 403);
        let patch = json!({ "email": email("anders") });
        assert_eq!(read(test.patch("manager", &path, "\"r1\"", &patch).await).await.0, 403);
        let patch = json!({ "displayName": "Anders" });
        assert_eq!(read(test.patch("manager", &path, "\"r1\"", &patch).await).await.0, 200);
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    for test in TestApp::both().await {
        let session = with_password(&test, "sales").await;
        let token = test.as_("sales").to_owned();
        let path = format!("/v1/users/{}/disabling", test.people["sales"].id);
        let set = |disabled: bool| {
            let request = test.client.put(&path).header("authorization", format!("Bearer {}", test.as_("manager")));
            request.header("if-match", "*").body_json(&json!({ "disabled": disabled })).send()
        };
        assert_eq!(fetch(&test, &session, "/v1/customers").await.0, 200);
        assert_eq!(set(true).await.0.status(), 200);
        for held in [&session, &token] {
            assert_eq!(fetch(&test, held, "/v1/customers").await.0, 401);
        }
        assert_eq!(sign_in(&test, "sales", PASSWORD, None).await.0, 401);
        assert_eq!(set(false).await.0.status(), 200);
        assert_eq!(fetch(&test, &session, "/v1/customers").await.0, 401, "sessions don't come back");
        assert_eq!(sign_in(&test, "sales", PASSWORD, None).await.0, 201);
    }
}

#[tokio::test]
async fn one_acts_for_the_tenants_in_which_one_has_a_role() {
    for test in TestApp::both().await {
        let draft = kluis::users::model::UserDraft {
            email: email("dubbel"),
            display_name: "Dubbel".to_owned(),
            language: kluis::users::model::UserLanguage::Nl,
        };
        let roles = [(test.north, "sales"), (test.south, "service")];
        let id = kluis::users::setup::create_user(&test.app, test.north, &draft, &roles).await.unwrap();
        let link = kluis::users::setup::make_link(&test.app, id, kluis::users::links::LinkPurpose::Demonstration);
        let code = json!({ "code": link.await.unwrap().code().to_string() });
        let (_, redeemed) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
        let session = redeemed["session"]["token"].as_str().unwrap().to_owned();
        let (_, me) = fetch(&test, &session, "/v1/me").await;
        assert_eq!(
            (&me["tenantId"], me["tenants"].as_array().unwrap().len()),
            (&json!(test.north.to_string()), 2),
            "{me}"
        );
        let switch =
            |tenant: String| send(&test, Some(&session), "POST", "/v1/me/acting-tenant", json!({ "tenantId": tenant }));
        assert_eq!(switch(test.hq.to_string()).await.0, 400);
        assert_eq!(switch(test.south.to_string()).await.0, 204);
        let (_, me) = fetch(&test, &session, "/v1/me").await;
        assert_eq!((&me["tenantId"], &me["roles"]), (&json!(test.south.to_string()), &json!(["service"])));
    }
}

#[tokio::test]
async fn lists_are_scoped_paged_and_on_record() {
    for test in TestApp::both().await {
        let (_, mine) = fetch(&test, test.as_("manager"), "/v1/users?count=true").await;
        assert_eq!(mine["total"], 3, "{mine}");
        let (_, all) = fetch(&test, test.as_("admin"), "/v1/users?count=true&pageSize=4").await;
        assert_eq!((&all["total"], all["items"].as_array().unwrap().len()), (&json!(10), 4), "{all}");
        let (_, sales) = fetch(&test, test.as_("admin"), "/v1/users?role=sales").await;
        assert_eq!(sales["items"].as_array().unwrap().len(), 2);
        let (_, south) = fetch(&test, test.as_("admin"), &format!("/v1/users?tenantId={}", test.south)).await;
        assert_eq!(south["items"].as_array().unwrap().len(), 2);
        // Colleagues by name only: the address of others isn't needed to assign a customer to them.
        let (_, colleagues) = fetch(&test, test.as_("sales"), "/v1/users").await;
        for user in colleagues["items"].as_array().unwrap() {
            let own = user["id"] == test.people["sales"].id.to_string();
            assert_eq!(user.get("email").is_some(), own, "{user}");
        }
        const WHY: &str = "a test looks at the log";
        let sql = "SELECT COUNT(*) FROM audit_events WHERE action = 'user.read' AND class = 'read'";
        let row = test.app.db.fetch_optional_without_scope(WHY, sql, args![]).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), 5);
    }
}

#[tokio::test]
async fn nothing_personal_stands_in_the_database() {
    let test = TestApp::sqlite().await;
    with_password(&test, "sales").await;
    let session = token(&test, "sales").await;
    assert_eq!(fetch(&test, &session, "/v1/me").await.0, 200);
    test.app.db.close().await;
    for entry in std::fs::read_dir(test.directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for canary in ["sales@kluis.example", "Tester sales", PASSWORD, session.as_str()] {
            let found = bytes.windows(canary.len()).any(|window| window.eq_ignore_ascii_case(canary.as_bytes()));
            assert!(!found, "{canary} in {}", path.display());
        }
    }
}

#[tokio::test]
async fn ones_own_address_takes_the_password_and_no_token_moves_it() {
    for test in TestApp::both().await {
        let session = with_password(&test, "manager").await;
        let path = format!("/v1/users/{}", test.people["manager"].id);
        let moved = json!({ "email": email("elders") });
        let (status, answer) = read(test.patch("manager", &path, "*", &moved).await).await;
        assert_eq!(status, 403, "an API token, as who has found one could: {answer}");
        let request =
            test.client.patch(&path).header("authorization", format!("Bearer {session}")).header("if-match", "*");
        let request = request.header("content-type", "application/merge-patch+json").body(moved.to_string());
        assert_eq!(read(request.send().await).await.0, 403, "an open session");

        let change = |password: &str| json!({ "password": password, "email": email("elders") });
        let token = test.as_("manager").to_owned();
        assert_eq!(send(&test, Some(&token), "POST", "/v1/me/email", change(PASSWORD)).await.0, 403);
        let (status, answer) = send(&test, Some(&session), "POST", "/v1/me/email", change("iets anders")).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (400, &json!("wrong_password")), "{answer}");
        let taken = json!({ "password": PASSWORD, "email": email("sales") });
        assert_eq!(send(&test, Some(&session), "POST", "/v1/me/email", taken).await.0, 409);
        assert_eq!(send(&test, Some(&session), "POST", "/v1/me/email", change(PASSWORD)).await.0, 204);
        assert_eq!(sign_in(&test, "manager", PASSWORD, None).await.0, 401);
        assert_eq!(sign_in(&test, "elders", PASSWORD, None).await.0, 201);
        assert_eq!(fetch(&test, &session, "/v1/me").await.1["email"], email("elders"));
    }
}
