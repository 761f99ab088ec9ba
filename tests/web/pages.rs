//! Lists: every item once, in order, whatever the size of the pages; cursors that can't be bent.

use poem::endpoint::BoxEndpoint;
use poem::http::{StatusCode, header};
use poem::test::TestClient;
use serde_json::{Value, json};

use crate::bodies::faults;
use crate::sample::client;

type Client = TestClient<BoxEndpoint<'static>>;

async fn fleet(count: usize) -> Client {
    let client = client();
    for number in 0..count {
        let drive = if number % 2 == 0 { "sail" } else { "motor" };
        let draft = json!({ "name": format!("Boot {number}"), "drive": drive, "length": 500 });
        let sent = client.post("/v1/boats").header(header::AUTHORIZATION, "Bearer good").body_json(&draft).send().await;
        sent.assert_status(StatusCode::CREATED);
    }
    client
}

async fn get(client: &Client, url: &str) -> (Value, Option<String>) {
    let response = client.get(url).header(header::AUTHORIZATION, "Bearer good").send().await;
    response.assert_status_is_ok();
    let link = response.0.headers().get(header::LINK).map(|link| {
        let link = link.to_str().unwrap();
        link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
    });
    (serde_json::from_str(&response.0.into_body().into_string().await.unwrap()).unwrap(), link)
}

async fn walk(client: &Client, first: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(url) = next {
        let (page, link) = get(client, &url).await;
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        assert_eq!(page["nextCursor"].is_string(), link.is_some());
        assert!(page.get("total").is_none());
        next = link;
    }
    names
}

#[tokio::test]
async fn the_links_lead_through_every_item_once() {
    let client = fleet(7).await;
    let all: Vec<String> = (0..7).map(|number| format!("Boot {number}")).collect();
    for size in [1, 2, 3, 7, 50] {
        assert_eq!(walk(&client, &format!("/v1/boats?pageSize={size}")).await, all, "{size}");
    }
    let sailing = walk(&client, "/v1/boats?pageSize=2&drive=sail").await;
    assert_eq!(sailing, ["Boot 0", "Boot 2", "Boot 4", "Boot 6"]);
}

#[tokio::test]
async fn the_total_comes_when_it_is_asked_for() {
    let client = fleet(3).await;
    assert_eq!(get(&client, "/v1/boats?count=true&pageSize=1").await.0["total"], 3);
}

#[tokio::test]
async fn a_cursor_fits_only_its_own_list() {
    let client = fleet(3).await;
    let (page, _) = get(&client, "/v1/boats?pageSize=1&drive=sail").await;
    let cursor = page["nextCursor"].as_str().unwrap();
    let ask = |url: String| client.get(url).header(header::AUTHORIZATION, "Bearer good").send();
    let wrong = [("query:cursor".to_owned(), "cursor".to_owned())];
    assert_eq!(faults(ask(format!("/v1/boats?drive=motor&cursor={cursor}")).await).await, wrong);
    assert_eq!(faults(ask(format!("/v1/boats?drive=sail&cursor=A{cursor}")).await).await, wrong);
    ask(format!("/v1/boats?drive=sail&pageSize=5&cursor={cursor}")).await.assert_status_is_ok();
    let search = json!({ "cursor": cursor });
    let response =
        client.post("/v1/boats/_search").header(header::AUTHORIZATION, "Bearer good").body_json(&search).send().await;
    assert_eq!(faults(response).await, [("/cursor".to_owned(), "cursor".to_owned())]);
}

#[tokio::test]
async fn a_search_pages_by_its_body() {
    let client = fleet(4).await;
    let mut cursor = Value::Null;
    let mut names = Vec::new();
    loop {
        let mut search = json!({ "name": "Boot", "pageSize": 3 });
        if cursor.is_string() {
            search["cursor"] = cursor.take();
        }
        let response = client
            .post("/v1/boats/_search")
            .header(header::AUTHORIZATION, "Bearer good")
            .body_json(&search)
            .send()
            .await;
        response.assert_status_is_ok();
        assert!(response.0.headers().get(header::LINK).is_none(), "a search's next page isn't a URL");
        let page: Value = serde_json::from_str(&response.0.into_body().into_string().await.unwrap()).unwrap();
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(names, ["Boot 0", "Boot 1", "Boot 2", "Boot 3"]);
}
