use std::collections::BTreeMap;

use chrono::TimeDelta;
use kluis::users::links::LinkPurpose;
use kluis::users::setup;
use poem::http::StatusCode;
use poem::test::TestResponse;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::identity::{PASSWORD, code_of, email, send, with_password};
use crate::support::app::TestApp;

/// A browser without scripts: it keeps cookies, and fills in forms that it was shown.
struct Browser<'a> {
    test: &'a TestApp,
    cookies: BTreeMap<String, String>,
    html: String,
    status: StatusCode,
    place: String,
    site: &'static str,
}

impl<'a> Browser<'a> {
    fn new(test: &'a TestApp) -> Self {
        let (html, place) = (String::new(), String::new());
        Self { test, cookies: BTreeMap::new(), html, status: StatusCode::OK, place, site: "same-origin" }
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn take(&mut self, path: &str, response: TestResponse) {
        for set in response.0.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        self.status = response.0.status();
        self.place = path.to_owned();
        if let Some(to) = response.0.headers().get("location") {
            self.place = to.to_str().unwrap().to_owned();
        }
        self.html = response.0.into_body().into_string().await.unwrap();
    }

    async fn open(&mut self, path: &str) {
        let request = self.test.client.get(path).header("cookie", self.cookie()).header("accept-language", "nl");
        let response = request.send().await;
        let policy = response.0.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
        self.take(path, response).await;
    }

    /// The hidden field of the form that is shown.
    fn field(&self) -> String {
        let at = self.html.find("name=\"form\" value=\"").unwrap_or_else(|| panic!("no form: {}", self.html));
        self.html[at + 19..].split('"').next().unwrap().to_owned()
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) {
        let form = self.field();
        self.submit_with(path, &form, fields).await;
    }

    async fn submit_with(&mut self, path: &str, form: &str, fields: &[(&str, &str)]) {
        let mut all = BTreeMap::from([("form", form)]);
        all.extend(fields.iter().copied());
        let request = self.test.client.post(path).header("cookie", self.cookie()).header("sec-fetch-site", self.site);
        let response = request.header("accept-language", "nl").form(&all).send().await;
        self.take(path, response).await;
        if self.status == StatusCode::SEE_OTHER {
            let place = self.place.clone();
            self.open(&place).await;
        }
    }
}

#[tokio::test]
async fn a_link_leads_to_a_password_and_the_password_leads_in() {
    for test in TestApp::both().await {
        let link = setup::make_link(&test.app, test.people["sales"].id, LinkPurpose::Invitation).await.unwrap();
        let url = link.url("http://127.0.0.1:8443").to_string();
        let mut browser = Browser::new(&test);
        browser.open("/sign-in/link").await;
        assert!(browser.html.contains("<html lang=\"nl\">") && browser.html.contains("/assets/link.js"));
        browser.submit("/sign-in/link", &[("code", &url)]).await;
        assert_eq!(browser.place, "/sign-in/password", "{}", browser.html);
        browser.submit("/sign-in/password", &[("password", "Welkom123456")]).await;
        assert_eq!(browser.status, 400);
        assert!(browser.html.contains("makkelijk te raden"), "{}", browser.html);
        browser.submit("/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!((browser.status.as_u16(), browser.place.as_str()), (200, "/account"), "{}", browser.html);
        assert!(browser.html.contains("Tester sales") && browser.html.contains("Voorbeeld Noord"), "{}", browser.html);
        assert!(browser.html.contains("href=\"/docs\""));

        browser.submit("/account/sign-out", &[]).await;
        assert_eq!(browser.place, "/sign-in");
        browser.submit("/sign-in", &[("email", &email("sales")), ("password", "vuurtoren regenjas")]).await;
        assert_eq!(browser.status, 401);
        assert!(browser.html.contains("klopt niet") && browser.html.contains(&email("sales")), "{}", browser.html);
        assert!(!browser.html.contains("vuurtoren"));
        browser.submit("/sign-in", &[("email", &email("sales")), ("password", PASSWORD)]).await;
        assert_eq!(browser.place, "/account");
        browser.open("/").await;
        assert_eq!(browser.place, "/account");
    }
}

#[tokio::test]
async fn forms_of_other_sites_and_other_browsers_are_refused() {
    let test = TestApp::sqlite().await;
    with_password(&test, "sales").await;
    let fields = [("email", &*email("sales")), ("password", PASSWORD)];
    let mut mine = Browser::new(&test);
    mine.open("/sign-in").await;
    let mut other = Browser::new(&test);
    other.open("/sign-in").await;
    mine.submit_with("/sign-in", &other.field(), &fields).await;
    assert_eq!(mine.status, 403, "the field of another browser");
    mine.submit_with("/sign-in", "", &fields).await;
    assert_eq!(mine.status, 403, "no field");
    mine.site = "cross-site";
    mine.submit("/sign-in", &fields).await;
    assert_eq!(mine.status, 403, "another site");
    mine.site = "same-origin";
    let before = mine.field();
    mine.submit("/sign-in", &fields).await;
    assert_eq!(mine.place, "/account");
    mine.submit_with("/account/sign-out", &before, &[]).await;
    assert_eq!(mine.status, 403, "a form from before signing in");
    // The session's cookie alone doesn't write through the API either.
    let request = test.client.post("/v1/me/sign-out").header("cookie", mine.cookie());
    assert_eq!(request.header("sec-fetch-site", "cross-site").send().await.0.status(), 403);
    let request = test.client.get("/v1/me").header("cookie", mine.cookie());
    assert_eq!(request.send().await.0.status(), 200);
}

#[tokio::test]
async fn the_second_factor_has_a_page_of_its_own() {
    let test = TestApp::sqlite().await;
    let session = with_password(&test, "manager").await;
    let password = serde_json::json!({ "password": PASSWORD });
    let (_, begun) = send(&test, Some(&session), "POST", "/v1/me/second-factor", password).await;
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let confirm = serde_json::json!({ "code": code_of(&test, &secret) });
    send(&test, Some(&session), "POST", "/v1/me/second-factor/confirmation", confirm).await;
    test.app.clock.advance(TimeDelta::seconds(30));
    let mut browser = Browser::new(&test);
    browser.open("/sign-in").await;
    browser.submit("/sign-in", &[("email", &email("manager")), ("password", PASSWORD)]).await;
    assert_eq!(browser.place, "/sign-in/second-factor");
    browser.submit("/sign-in/second-factor", &[("code", "000000")]).await;
    assert_eq!(browser.status, 401);
    let code = code_of(&test, &secret);
    browser.submit("/sign-in/second-factor", &[("code", &code)]).await;
    assert_eq!((browser.status.as_u16(), browser.place.as_str()), (200, "/account"), "{}", browser.html);

    let mut late = Browser::new(&test);
    late.open("/sign-in").await;
    late.submit("/sign-in", &[("email", &email("manager")), ("password", PASSWORD)]).await;
    test.app.clock.advance(TimeDelta::minutes(5));
    let code = code_of(&test, &secret);
    late.submit("/sign-in/second-factor", &[("code", &code)]).await;
    assert_eq!(late.status, 401, "five minutes are over");
}

/// An SMTP server of few words; gives the first mail that it is sent.
async fn mailbox() -> (u16, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.example\r\n").await.unwrap();
        let (mut mail, mut inside) = (String::new(), false);
        while let Some(line) = lines.next_line().await.unwrap() {
            if inside && line != "." {
                mail.push_str(&line);
                mail.push('\n');
                continue;
            }
            let answer = match line.split(' ').next().unwrap() {
                "." => {
                    write.write_all(b"250 taken\r\n").await.unwrap();
                    return mail;
                }
                "DATA" => {
                    inside = true;
                    "354 go on\r\n"
                }
                "EHLO" => "250 mail.example\r\n",
                _ => {
                    mail.push_str(&line);
                    mail.push('\n');
                    "250 ok\r\n"
                }
            };
            write.write_all(answer.as_bytes()).await.unwrap();
        }
        mail
    });
    (port, task)
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_mail() {
    let (port, mail) = mailbox().await;
    let flag = |key: &str, value: String| (key.to_owned(), value);
    let flags = vec![
        flag("mail.host", "127.0.0.1".to_owned()),
        flag("mail.port", port.to_string()),
        flag("mail.tls", "none".to_owned()),
        flag("mail.from", "kluis@voorbeeldketen.example".to_owned()),
    ];
    let test = TestApp::with("sqlite", flags).await;
    with_password(&test, "sales").await;
    let mut browser = Browser::new(&test);
    browser.open("/sign-in/reset").await;
    browser.submit("/sign-in/reset", &[("email", "niemand@kluis.example")]).await;
    let nobody = (browser.status, browser.html.clone());
    browser.open("/sign-in/reset").await;
    browser.submit("/sign-in/reset", &[("email", "Sales@kluis.example")]).await;
    assert_eq!((browser.status, browser.html.clone()), nobody, "the page doesn't tell whether there is an account");
    let mail = tokio::time::timeout(std::time::Duration::from_secs(20), mail).await.unwrap().unwrap();
    assert!(mail.contains("RCPT TO:<sales@kluis.example>"), "{mail}");
    let unfolded = mail.replace("=\n", "").replace("=3D", "=");
    let at = unfolded.find("#klo_").unwrap_or_else(|| panic!("no link: {unfolded}"));
    let code: String = unfolded[at + 1..].chars().take(47).collect();
    browser.open("/sign-in/link").await;
    browser.submit("/sign-in/link", &[("code", &code)]).await;
    assert_eq!(browser.place, "/sign-in/password", "{code}");
    browser.submit("/sign-in/password", &[("password", "vuurtoren regenjas klok")]).await;
    assert_eq!(browser.place, "/account");
    let (status, _) = crate::identity::sign_in(&test, "sales", PASSWORD, None).await;
    assert_eq!(status, 401, "the old one is gone");
}
