use chrono::TimeDelta;
use kluis::users::links::LinkPurpose;
use kluis::users::setup;
use kluis_core::args;
use serde_json::json;

use crate::identity::{PASSWORD, ask, code_of, email, fetch, send, sign_in, token, with_password};
use crate::support::app::{TestApp, read};

const WHY: &str = "a test plays the part of somebody who can write to the database";

#[tokio::test]
async fn a_one_time_link_works_once_and_for_half_an_hour() {
    for test in TestApp::both().await {
        let user = test.people["sales"].id;
        let link = setup::make_link(&test.app, user, LinkPurpose::PasswordReset).await.unwrap();
        let code = json!({ "code": link.code().to_string() });
        assert!(link.url("https://kluis.example").starts_with("https://kluis.example/sign-in/link#klo_"));
        let (status, _) = send(&test, None, "POST", "/v1/link-redemptions", code.clone()).await;
        assert_eq!(status, 200);
        let (status, again) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
        assert_eq!(status, 401, "{again}");

        let late = setup::make_link(&test.app, user, LinkPurpose::PasswordReset).await.unwrap();
        test.app.clock.advance(TimeDelta::minutes(30));
        let code = json!({ "code": late.code().to_string() });
        let (status, late) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
        assert_eq!((status, &late["detail"]), (401, &again["detail"]));

        let older = setup::make_link(&test.app, user, LinkPurpose::PasswordReset).await.unwrap();
        let _newer = setup::make_link(&test.app, user, LinkPurpose::PasswordReset).await.unwrap();
        let code = json!({ "code": older.code().to_string() });
        assert_eq!(send(&test, None, "POST", "/v1/link-redemptions", code).await.0, 401, "only the newest counts");
    }
}

#[tokio::test]
async fn a_demonstration_link_signs_in_without_a_password() {
    for test in TestApp::both().await {
        let link = setup::make_link(&test.app, test.people["manager"].id, LinkPurpose::Demonstration).await.unwrap();
        let code = json!({ "code": link.code().to_string() });
        let (status, redeemed) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
        assert_eq!(status, 200, "{redeemed}");
        let session = redeemed["session"]["token"].as_str().unwrap();
        let (status, me) = fetch(&test, session, "/v1/me").await;
        assert_eq!((status, &me["roles"]), (200, &json!(["manager"])), "{me}");
        assert_eq!(me["email"], email("manager"));
        assert_eq!(me["tenants"].as_array().unwrap().len(), 1);
        assert!(
            me["permissions"].as_array().unwrap().iter().any(|p| p["object"] == "customer" && p["action"] == "read")
        );
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_get_one_answer_and_the_same_pause() {
    for test in TestApp::both().await {
        with_password(&test, "sales").await;
        assert_eq!(sign_in(&test, "sales", PASSWORD, None).await.0, 201);
        let mut answers = Vec::new();
        for name in ["sales", "nobody"] {
            let mut seen = Vec::new();
            for _ in 0..6 {
                let (status, mut problem) = sign_in(&test, name, "vuurtoren regenjas", None).await;
                problem.as_object_mut().unwrap().remove("instance");
                seen.push((status, problem));
            }
            answers.push(seen);
        }
        assert_eq!(answers[0], answers[1]);
        let statuses: Vec<_> = answers[0].iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
        let body = json!({ "email": "sales@kluis.example", "password": PASSWORD });
        let paused = ask(&test, None, "POST", "/v1/sessions", Some(&body)).await;
        let wait = paused.0.headers()["retry-after"].to_str().unwrap().to_owned();
        let (status, answer) = read(paused).await;
        assert_eq!((status, &answer["retryAfter"]), (429, &json!(wait)), "the pause holds for the right one too");
        test.app.clock.advance(TimeDelta::seconds(2));
        assert_eq!(sign_in(&test, "sales", PASSWORD, None).await.0, 201);
        assert_eq!(sign_in(&test, "sales", "vuurtoren regenjas", None).await.0, 401, "a success forgives");
    }
}

#[tokio::test]
async fn many_tries_at_once_gain_nothing() {
    for test in TestApp::both().await {
        with_password(&test, "sales").await;
        let tries = (0..12).map(|_| sign_in(&test, "sales", "vuurtoren regenjas", None));
        let answers = futures_util::future::join_all(tries).await;
        let judged = answers.iter().filter(|(status, _)| *status == 401).count();
        assert_eq!(judged, 5, "{answers:?}");
    }
}

#[tokio::test]
async fn weak_passwords_are_refused_with_their_reason() {
    let test = TestApp::sqlite().await;
    let link = setup::make_link(&test.app, test.people["sales"].id, LinkPurpose::Invitation).await.unwrap();
    let code = json!({ "code": link.code().to_string() });
    let (_, redeemed) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
    let step = redeemed["choosePassword"]["token"].clone();
    for (password, fault) in [
        ("kort", "too_short"),
        ("Welkom123456", "weak_password"),
        ("testersales1", "weak_password"),
        ("voorbeeldnoord", "weak_password"),
    ] {
        let choice = json!({ "token": step, "password": password });
        let (status, problem) = send(&test, None, "POST", "/v1/password-choices", choice).await;
        assert_eq!((status, &problem["errors"][0]["code"]), (400, &json!(fault)), "{password} {problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/password");
    }
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_a_code_works_once() {
    for test in TestApp::both().await {
        let session = with_password(&test, "manager").await;
        let (status, begun) =
            send(&test, Some(&session), "POST", "/v1/me/second-factor", json!({ "password": PASSWORD })).await;
        assert_eq!(status, 200, "{begun}");
        let secret = begun["secret"].as_str().unwrap().to_owned();
        assert_eq!(sign_in(&test, "manager", PASSWORD, None).await.0, 201, "not before it is confirmed");
        let confirm = json!({ "code": code_of(&test, &secret) });
        let path = "/v1/me/second-factor/confirmation";
        let (status, codes) = send(&test, Some(&session), "POST", path, confirm).await;
        assert_eq!((status, codes["recoveryCodes"].as_array().unwrap().len()), (200, 10), "{codes}");

        let (status, problem) = sign_in(&test, "manager", PASSWORD, None).await;
        assert_eq!((status, &problem["secondFactor"]), (401, &json!("required")), "{problem}");
        let used = code_of(&test, &secret);
        assert_eq!(sign_in(&test, "manager", PASSWORD, Some(&used)).await.0, 401, "it confirmed the set-up");
        test.app.clock.advance(TimeDelta::seconds(30));
        let code = code_of(&test, &secret);
        assert_eq!(sign_in(&test, "manager", PASSWORD, Some(&code)).await.0, 201);
        assert_eq!(sign_in(&test, "manager", PASSWORD, Some(&code)).await.0, 401, "a replay");

        let recovery = codes["recoveryCodes"][3].as_str().unwrap().to_lowercase();
        assert_eq!(sign_in(&test, "manager", PASSWORD, Some(&recovery)).await.0, 201);
        assert_eq!(sign_in(&test, "manager", PASSWORD, Some(&recovery)).await.0, 401);
        let (_, me) = fetch(&test, &session, "/v1/me").await;
        assert_eq!((&me["secondFactor"], &me["recoveryCodesLeft"]), (&json!(true), &json!(9)));

        test.app.clock.advance(TimeDelta::minutes(2));
        let body = json!({ "password": PASSWORD, "code": code_of(&test, &secret) });
        assert_eq!(send(&test, Some(&session), "POST", "/v1/me/second-factor/removal", body).await.0, 204);
        assert_eq!(sign_in(&test, "manager", PASSWORD, None).await.0, 201);
    }
}

#[tokio::test]
async fn a_mailbox_alone_does_not_get_past_the_second_factor() {
    let test = TestApp::sqlite().await;
    let session = with_password(&test, "manager").await;
    let body = json!({ "password": PASSWORD });
    let (_, begun) = send(&test, Some(&session), "POST", "/v1/me/second-factor", body).await;
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let confirm = json!({ "code": code_of(&test, &secret) });
    send(&test, Some(&session), "POST", "/v1/me/second-factor/confirmation", confirm).await;
    let link = setup::make_link(&test.app, test.people["manager"].id, LinkPurpose::PasswordReset).await.unwrap();
    let code = json!({ "code": link.code().to_string() });
    let (_, redeemed) = send(&test, None, "POST", "/v1/link-redemptions", code).await;
    assert_eq!(redeemed["choosePassword"]["needsCode"], true);
    let mut choice = json!({ "token": redeemed["choosePassword"]["token"], "password": "vuurtoren regenjas klok" });
    assert_eq!(send(&test, None, "POST", "/v1/password-choices", choice.clone()).await.0, 401);
    test.app.clock.advance(TimeDelta::seconds(30));
    choice["code"] = json!(code_of(&test, &secret));
    assert_eq!(send(&test, None, "POST", "/v1/password-choices", choice).await.0, 201);
    assert_eq!(fetch(&test, &session, "/v1/me").await.0, 401, "all other sessions ended");
}

#[tokio::test]
async fn sessions_end_by_rest_by_age_and_by_choice() {
    for test in TestApp::both().await {
        with_password(&test, "sales").await;
        let (one, two) = (token(&test, "sales").await, token(&test, "sales").await);
        let (status, mine) = fetch(&test, &one, "/v1/me/sessions").await;
        assert_eq!((status, mine["items"].as_array().unwrap().len()), (200, 3), "{mine}");
        assert_eq!(mine["items"].as_array().unwrap().iter().filter(|s| s["current"] == true).count(), 1);
        assert_eq!(fetch(&test, &two, "/v1/customers").await.0, 200);
        assert_eq!(ask(&test, Some(&two), "DELETE", "/v1/sessions/current", None).await.0.status(), 204);
        assert_eq!(fetch(&test, &two, "/v1/customers").await.0, 401);
        for minutes in [50, 50, 50] {
            test.app.clock.advance(TimeDelta::minutes(minutes));
            assert_eq!(fetch(&test, &one, "/v1/customers").await.0, 200, "use keeps it alive");
        }
        test.app.clock.advance(TimeDelta::minutes(60));
        assert_eq!(fetch(&test, &one, "/v1/customers").await.0, 401, "an hour of rest");
        let old = token(&test, "sales").await;
        for _ in 0..13 {
            test.app.clock.advance(TimeDelta::minutes(55));
            assert_eq!(fetch(&test, &old, "/v1/customers").await.0, 200);
        }
        test.app.clock.advance(TimeDelta::minutes(10));
        assert_eq!(fetch(&test, &old, "/v1/customers").await.0, 401, "twelve hours, however busy");

        let (one, two) = (token(&test, "sales").await, token(&test, "sales").await);
        let change = json!({ "currentPassword": PASSWORD, "newPassword": "vuurtoren regenjas klok" });
        assert_eq!(send(&test, Some(&one), "POST", "/v1/me/password", change).await.0, 204);
        assert_eq!(fetch(&test, &one, "/v1/me").await.0, 200, "this one goes on");
        assert_eq!(fetch(&test, &two, "/v1/me").await.0, 401, "the others end");
        assert_eq!(ask(&test, Some(&one), "POST", "/v1/me/sign-out", None).await.0.status(), 204);
        assert_eq!(fetch(&test, &one, "/v1/me").await.0, 401);
    }
}

#[tokio::test]
async fn api_tokens_reach_as_far_as_their_scopes_and_are_shown_once() {
    for test in TestApp::both().await {
        let session = with_password(&test, "sales").await;
        let expires = (test.app.clock.now() + TimeDelta::days(30)).to_rfc3339();
        let wish = json!({ "name": "Canaryproef", "scopes": ["customer:read"], "expiresAt": expires });
        let (status, made) = send(&test, Some(&session), "POST", "/v1/me/tokens", wish.clone()).await;
        assert_eq!(status, 201, "{made}");
        let token = made["token"].as_str().unwrap().to_owned();
        assert!(token.starts_with("klt_"));
        assert_eq!(fetch(&test, &token, "/v1/customers").await.0, 200);
        let draft = crate::customers::draft("Beeld");
        assert_eq!(send(&test, Some(&token), "POST", "/v1/customers", draft).await.0, 403, "not in its scopes");
        assert_eq!(send(&test, Some(&token), "POST", "/v1/me/tokens", wish).await.0, 403, "tokens make no tokens");
        let (_, mine) = fetch(&test, &session, "/v1/me/tokens").await;
        let listed = mine["items"].as_array().unwrap().iter().find(|t| t["id"] == made["id"]).unwrap();
        assert_eq!((&listed["name"], &listed["scopes"]), (&json!("Canaryproef"), &json!(["customer:read"])));
        assert_eq!(listed.get("token"), None);
        let spare = json!({ "name": "Reserve", "scopes": ["customer:read"], "expiresAt": expires });
        let (_, spare) = send(&test, Some(&session), "POST", "/v1/me/tokens", spare).await;
        let path = format!("/v1/me/tokens/{}", spare["id"].as_str().unwrap());
        for (tag, status) in [(None, 428), (Some("\"r2\""), 412), (Some("\"r1\""), 204), (Some("\"r1\""), 404)] {
            let request = test.client.delete(&path).header("authorization", format!("Bearer {session}"));
            let request = tag.into_iter().fold(request, |request, tag| request.header("if-match", tag));
            assert_eq!(request.send().await.0.status(), status, "{tag:?}");
        }
        assert_eq!(send(&test, Some(&session), "POST", "/v1/me/sign-out", json!({})).await.0, 204);
        assert_eq!(fetch(&test, &token, "/v1/customers").await.0, 200, "programs go on");
        test.app.clock.advance(TimeDelta::days(30));
        assert_eq!(fetch(&test, &token, "/v1/customers").await.0, 401);

        let session = crate::identity::token(&test, "sales").await;
        let bad =
            json!({ "name": "x", "scopes": ["customer:read", "klant:lezen"], "expiresAt": "2020-01-01T00:00:00Z" });
        let (status, problem) = send(&test, Some(&session), "POST", "/v1/me/tokens", bad).await;
        let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
        assert_eq!((status, pointers), (400, vec![json!("/scopes/1"), json!("/expiresAt")]), "{problem}");
    }
}

#[tokio::test]
async fn what_is_written_by_sql_gives_no_rights() {
    for test in TestApp::both().await {
        with_password(&test, "sales").await;
        with_password(&test, "manager").await;
        let session = token(&test, "sales").await;
        let (sales, manager) = (test.people["sales"].id, test.people["manager"].id);
        assert_eq!(fetch(&test, &session, "/v1/me").await.0, 200);
        for (sql, args) in [
            ("UPDATE access_tokens SET user_id = $1 WHERE user_id = $2", args![manager, sales]),
            ("UPDATE user_roles SET role = 'privacy_officer' WHERE user_id = $1", args![sales]),
            (
                "UPDATE users SET status = 'active', generation = generation WHERE id = $1 AND status = 'x'",
                args![sales],
            ),
        ] {
            let mut tx = test.app.db.begin().await.unwrap();
            tx.execute_without_scope(WHY, sql, args).await.unwrap();
            tx.execute_without_scope(WHY, "UPDATE authz_epoch SET value = value + 1", args![]).await.unwrap();
            tx.commit_without_event(WHY).await.unwrap();
        }
        assert_ne!(fetch(&test, &session, "/v1/me").await.0, 200, "a session of somebody else");
        assert_ne!(fetch(&test, test.as_("sales"), "/v1/customers").await.0, 200, "a role out of nowhere");

        // The hash of one's own password in another one's row opens nothing.
        let mut tx = test.app.db.begin().await.unwrap();
        let sql = "UPDATE users SET password = (SELECT p.password FROM users AS p WHERE p.id = $2) WHERE id = $1";
        tx.execute_without_scope(WHY, sql, args![manager, sales]).await.unwrap();
        tx.commit_without_event(WHY).await.unwrap();
        assert_ne!(sign_in(&test, "manager", PASSWORD, None).await.0, 201);
    }
}
