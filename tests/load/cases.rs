//! What is asked, and how much it may cost.

use hyper::Method;
use hyper::body::Bytes;
use kluis::demo::random::Random;
use kluis::demo::words;
use serde_json::json;

use crate::client::Ask;
use crate::seed::draft_of;
use crate::world::{Place, World};

/// One kind of request.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Case {
    List,
    Get,
    Email,
    Create,
}

impl Case {
    pub const ALL: [Self; 4] = [Self::List, Self::Get, Self::Email, Self::Create];

    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list of 50",
            Self::Get => "get one",
            Self::Email => "search by e-mail address",
            Self::Create => "create",
        }
    }

    /// Processor time of Kluis over that of the limit program through sqlx.
    pub const fn target(self) -> f64 {
        match self {
            Self::List => 1.6,
            Self::Get | Self::Email => 2.5,
            Self::Create => 3.0,
        }
    }

    /// Whether both programs give the same bytes; a new record has an id of its own.
    pub const fn comparable(self) -> bool {
        !matches!(self, Self::Create)
    }

    /// A request for a customer drawn by chance. `fresh` makes new records differ from all others.
    pub fn draw(self, world: &World, random: &mut Random, fresh: usize) -> (Place, Ask) {
        let known = &world.customers[random.below(u32::try_from(world.customers.len()).unwrap_or(u32::MAX)) as usize];
        let place = world.places[known.place].clone();
        let ask = match self {
            Self::List => get("/v1/customers".to_owned()),
            Self::Get => get(format!("/v1/customers/{}", known.id)),
            Self::Email => {
                let leaf = json!({ "field": "email", "operator": "eq", "value": known.email });
                post("/v1/customers/_search", &json!({ "where": leaf }))
            }
            Self::Create => post("/v1/customers", &draft_of(fresh, &format!("nieuw{fresh}@example.org"))),
        };
        (place, ask)
    }
}

/// What somebody types into a search field, letter by letter: the first two to five letters of a name.
pub fn type_ahead(random: &mut Random) -> Ask {
    let name = match random.below(3) {
        0 => random.pick(words::WOMEN),
        1 => random.pick(words::MEN),
        _ => random.pick(words::FAMILIES).1,
    };
    let letters = random.between(2, 5) as usize;
    let typed: String = name.chars().take(letters).collect();
    post("/v1/customers/_search", &json!({ "name": typed, "pageSize": 10 }))
}

const fn get(path: String) -> Ask {
    Ask { method: Method::GET, path, body: None }
}

fn post(path: &str, body: &serde_json::Value) -> Ask {
    Ask { method: Method::POST, path: path.to_owned(), body: Some(Bytes::from(body.to_string())) }
}
