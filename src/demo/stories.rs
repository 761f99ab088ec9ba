//! What happened with a customer: short stories of a few contacts each, spread over three years.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use super::draft::{InteractionDraft, Who};
use super::random::Random;

/// The history goes back this far.
const DAYS: u32 = 3 * 365;

/// One contact of a story: days after the one before, channel, direction, subject, text.
/// `{onderwerp}` stands for what the story is about.
struct Step {
    after: u32,
    channel: &'static str,
    direction: &'static str,
    subject: &'static str,
    body: &'static str,
}

const fn step(
    after: u32,
    (channel, direction): (&'static str, &'static str),
    subject: &'static str,
    body: &'static str,
) -> Step {
    Step { after, channel, direction, subject, body }
}

const TOPICS: &[&str] = &[
    "een warmtepomp",
    "zonnepanelen",
    "dakisolatie",
    "vloerisolatie",
    "een laadpaal",
    "een thuisbatterij",
    "hoogrendementsglas",
    "mechanische ventilatie",
];

const QUOTE: &[Step] = &[
    step(
        0,
        ("web", "in"),
        "Aanvraag offerte",
        "Via het formulier op de website: graag een offerte voor {onderwerp}. Liefst contact in de ochtend.",
    ),
    step(
        2,
        ("phone", "out"),
        "Afspraak gemaakt",
        "Gebeld over de aanvraag voor {onderwerp}. Adviesgesprek aan huis afgesproken.",
    ),
    step(
        9,
        ("visit", "out"),
        "Adviesgesprek aan huis",
        "Woning bekeken en wensen besproken. Interesse in {onderwerp}; meterkast heeft nog ruimte.",
    ),
    step(
        3,
        ("email", "out"),
        "Offerte verstuurd",
        "Offerte voor {onderwerp} gestuurd, geldig tot het eind van de volgende maand.",
    ),
    step(
        8,
        ("phone", "in"),
        "Akkoord op offerte",
        "Gaat akkoord met de offerte. Vraagt naar de levertijd en naar de subsidie.",
    ),
];

const QUESTION: &[Step] = &[
    step(
        0,
        ("email", "in"),
        "Vraag over de factuur",
        "Vraagt waarom er twee regels voor {onderwerp} op de factuur staan.",
    ),
    step(
        1,
        ("email", "out"),
        "Antwoord over de factuur",
        "Uitgelegd dat arbeid en materiaal apart staan. Specificatie meegestuurd.",
    ),
];

const COMPLAINT: &[Step] = &[
    step(
        0,
        ("phone", "in"),
        "Klacht over de levering",
        "De levering van {onderwerp} kwam een week te laat en niemand had gebeld.",
    ),
    step(
        1,
        ("letter", "out"),
        "Bevestiging klacht",
        "Ontvangst van de klacht bevestigd en een oplossing binnen tien werkdagen toegezegd.",
    ),
    step(
        6,
        ("phone", "out"),
        "Klacht opgelost",
        "Excuses aangeboden en korting op het onderhoud gegeven. Is tevreden met de oplossing.",
    ),
];

const MAINTENANCE: &[Step] = &[
    step(0, ("email", "out"), "Herinnering onderhoud", "Herinnerd aan het jaarlijkse onderhoud van {onderwerp}."),
    step(
        5,
        ("chat", "in"),
        "Afspraak onderhoud verzetten",
        "Kan op de voorgestelde dag niet. Nieuwe afspraak gemaakt voor de week erna.",
    ),
    step(
        12,
        ("visit", "out"),
        "Onderhoud uitgevoerd",
        "Onderhoud aan {onderwerp} uitgevoerd. Filter vervangen, geen bijzonderheden.",
    ),
];

const MOVING: &[Step] = &[
    step(
        0,
        ("phone", "in"),
        "Verhuizing doorgegeven",
        "Gaat verhuizen en vraagt of {onderwerp} mee kan naar het nieuwe adres.",
    ),
    step(
        4,
        ("email", "out"),
        "Informatie over verhuizen",
        "Uitgelegd wat er kan met {onderwerp} bij een verhuizing, met een prijsindicatie.",
    ),
];

const FAIR: &[Step] = &[
    step(
        0,
        ("visit", "in"),
        "Gesproken op de woonbeurs",
        "Gesprek op de beurs over {onderwerp}. Wil de brochure ontvangen.",
    ),
    step(2, ("letter", "out"), "Brochure gestuurd", "Brochure over {onderwerp} met de post gestuurd."),
    step(14, ("phone", "out"), "Nagebeld", "Brochure is gelezen; wil er na de zomer op terugkomen."),
];

const SOCIAL: &[Step] = &[
    step(
        0,
        ("social", "in"),
        "Bericht op sociale media",
        "Vraagt in een bericht of {onderwerp} ook in een huurwoning kan.",
    ),
    step(
        1,
        ("social", "out"),
        "Antwoord op bericht",
        "Geantwoord dat toestemming van de verhuurder nodig is, en hulp daarbij aangeboden.",
    ),
];

const OF_CUSTOMERS: &[&[Step]] = &[QUOTE, QUOTE, QUESTION, COMPLAINT, MAINTENANCE, MAINTENANCE, MOVING, SOCIAL];
const OF_PROSPECTS: &[&[Step]] = &[FAIR, SOCIAL, QUOTE];

/// The contacts with one customer, oldest first, all before `today`.
pub fn history(who: &Who, status: &str, today: DateTime<Utc>, random: &mut Random) -> Vec<InteractionDraft> {
    let stories = match (who, status) {
        (Who::Household { .. }, _) => random.below(2),
        (_, "prospect") => 1,
        _ => random.between(1, 3),
    };
    let mut history = Vec::new();
    for _ in 0..stories {
        let list = if status == "prospect" { OF_PROSPECTS } else { OF_CUSTOMERS };
        let story = random.pick(list);
        // A prospect hasn't agreed to anything yet.
        let length = if status == "prospect" { story.len().min(3) } else { story.len() };
        tell(&story[..length], today, random, &mut history);
    }
    history.sort_by_key(|contact| contact.at);
    history
}

fn tell(story: &[Step], today: DateTime<Utc>, random: &mut Random, history: &mut Vec<InteractionDraft>) {
    let topic = random.pick(TOPICS);
    let whole: u32 = story.iter().map(|step| step.after).sum();
    let mut days_ago = random.between(whole + 1, DAYS);
    for step in story {
        days_ago -= step.after;
        history.push(InteractionDraft {
            channel: step.channel,
            direction: step.direction,
            at: moment(today, days_ago, random),
            subject: step.subject.to_owned(),
            body: step.body.replace("{onderwerp}", topic),
        });
    }
}

/// A working hour, so many days ago.
fn moment(today: DateTime<Utc>, days_ago: u32, random: &mut Random) -> DateTime<Utc> {
    let day = today.checked_sub_days(Days::new(u64::from(days_ago))).unwrap_or(today);
    let morning = day.date_naive().and_time(NaiveTime::MIN).and_utc();
    morning + TimeDelta::minutes(i64::from(random.between(8 * 60, 17 * 60)))
}

#[cfg(test)]
mod tests {
    use kluis_core::kernel::clock::from_micros;

    use super::super::{SEED, customers::customers};
    use super::*;

    #[test]
    fn every_channel_occurs_and_nothing_lies_in_the_future() {
        let today = from_micros(1_795_000_000_000_000);
        let contacts: Vec<_> = customers(SEED, today).flat_map(|customer| customer.interactions).collect();
        assert!((6_000..16_000).contains(&contacts.len()), "{}", contacts.len());
        for channel in ["email", "phone", "visit", "chat", "social", "letter", "web"] {
            assert!(contacts.iter().any(|contact| contact.channel == channel), "{channel}");
        }
        let oldest = today - TimeDelta::days(i64::from(DAYS) + 1);
        assert!(contacts.iter().all(|contact| contact.at < today && contact.at > oldest));
        assert!(contacts.iter().all(|contact| !contact.body.contains('{')));
    }

    #[test]
    fn a_history_is_in_order() {
        let today = from_micros(1_795_000_000_000_000);
        for customer in customers(SEED, today) {
            assert!(customer.interactions.is_sorted_by_key(|contact| contact.at));
        }
    }
}
