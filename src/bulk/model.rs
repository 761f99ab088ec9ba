//! What is wanted of many customers at once.

use chrono::TimeDelta;
use kluis_core::access::Action;
use kluis_core::kernel::id::{Customer, Job, Tenant};
use kluis_core::kernel::{Faults, Id, Phrase, Problem};
use kluis_core::privacy::{Compartment, CompartmentSet};
use serde::{Deserialize, Serialize};

use super::view::CustomerChange;
use crate::customers::changes::Needed;
use crate::customers::model::{self, CustomerDraft, Profile};
use crate::customers::view;

/// So many customers can be changed at once.
pub const MOST: usize = 10_000;
/// For how long a bulk change can be taken back.
pub const UNDO_WINDOW: TimeDelta = TimeDelta::days(30);

pub(super) const WHAT: Phrase = Phrase { en: "Say what to change.", nl: "Zeg wat er moet veranderen." };
const BOTH: Phrase = Phrase { en: "This is to be added as well as removed.", nl: "Dit moet er zowel bij als af." };

/// What the job is asked to do; sealed with it.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub records: Vec<Id<Customer>>,
    pub change: CustomerChange,
    /// Writes nothing, and says what a run would do.
    pub dry: bool,
}

/// A bulk change that was run, and what there is of taking it back.
pub struct RunRow {
    pub tenant: Id<Tenant>,
    pub job: Id<Job>,
    pub needed: Needed,
}

impl CustomerChange {
    /// Whether there is anything that it would change.
    pub fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.owner_id.is_none()
            && self.archived.is_none()
            && self.add_interests.is_empty()
            && self.remove_interests.is_empty()
            && self.patch.as_ref().is_none_or(|patch| patch.members().next().is_none())
    }

    /// Brings what stands in it into its usual spelling, and notes what makes no sense for whichever customer.
    pub fn check(&mut self, at: &str, faults: &mut Faults) {
        if self.is_empty() {
            faults.add(at, "required", WHAT);
        }
        model::interests(&mut self.add_interests, &format!("{at}/addInterests"), faults);
        model::interests(&mut self.remove_interests, &format!("{at}/removeInterests"), faults);
        let is_both = |(_, interest): &(usize, &String)| self.add_interests.contains(interest);
        for (index, _) in self.remove_interests.iter().enumerate().filter(is_both) {
            faults.add(format!("{at}/removeInterests/{index}"), "contradiction", BOTH);
        }
    }

    /// The wanted form of a customer: the patch first, then what is named beside it.
    pub fn form(&self, before: &CustomerDraft) -> Result<CustomerDraft, Problem> {
        let mut wanted = match &self.patch {
            Some(patch) => patch.apply(before)?,
            None => before.clone(),
        };
        if let Some(status) = self.status {
            wanted.status = status;
        }
        if let Some(owner) = &self.owner_id {
            wanted.owner_id = Some(owner.to_string());
        }
        if !self.add_interests.is_empty() || !self.remove_interests.is_empty() {
            let mut profile = wanted.profile.take().unwrap_or_default();
            profile.interests.retain(|interest| !self.remove_interests.contains(interest));
            let new = self.add_interests.iter().filter(|interest| !profile.interests.contains(interest));
            let new: Vec<_> = new.cloned().collect();
            profile.interests.extend(new);
            // One that holds nothing is none, as everywhere.
            wanted.profile = (profile != Profile::default()).then_some(profile);
        }
        Ok(wanted)
    }

    /// Whether it could give a customer what only one may have.
    pub fn takes_keys(&self) -> bool {
        let compartments = self.needed().compartments;
        compartments.contains(Compartment::Identity) || compartments.contains(Compartment::Contact)
    }

    /// The rights that it asks for, before any record is looked at.
    pub fn needed(&self) -> Needed {
        let patched =
            |name: &str| self.patch.as_ref().is_some_and(|patch| patch.members().any(|member| member == name));
        let mut compartments = CompartmentSet::EMPTY;
        for compartment in Compartment::ALL {
            if patched(compartment.name()) {
                compartments.insert(compartment);
            }
        }
        if !self.add_interests.is_empty() || !self.remove_interests.is_empty() {
            compartments.insert(Compartment::Profile);
        }
        let assign = self.owner_id.is_some() || patched("ownerId");
        let some_patch = self.patch.as_ref().is_some_and(|patch| patch.members().next().is_some());
        let update = self.status.is_some() || assign || some_patch || !compartments.is_empty();
        Needed { import: false, update, archive: self.archived.is_some(), assign, compartments }
    }
}

/// The rights that taking these rows back asks for.
pub(super) fn needed_of(rows: &[CustomerDraft]) -> Needed {
    let compartments = rows.iter().map(view::held).fold(CompartmentSet::EMPTY, CompartmentSet::union);
    Needed { import: true, update: true, compartments, ..Needed::NOTHING }
}

/// As stored: names of actions and compartments with a blank between.
pub(super) fn words(needed: Needed) -> String {
    let actions = [
        (Action::Import, needed.import),
        (Action::Update, needed.update),
        (Action::Archive, needed.archive),
        (Action::Assign, needed.assign),
    ];
    let actions = actions.into_iter().filter(|(_, is_needed)| *is_needed).map(|(action, _)| action.as_str());
    actions.chain(needed.compartments.iter().map(Compartment::name)).collect::<Vec<_>>().join(" ")
}

/// `None` for a word that this program doesn't know: then nobody may.
pub(super) fn parse(words: &str) -> Option<Needed> {
    let mut needed = Needed::NOTHING;
    for word in words.split_whitespace() {
        match Action::parse(word) {
            Some(Action::Import) => needed.import = true,
            Some(Action::Update) => needed.update = true,
            Some(Action::Archive) => needed.archive = true,
            Some(Action::Assign) => needed.assign = true,
            _ => needed.compartments.insert(Compartment::from_name(word)?),
        }
    }
    Some(needed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rights_are_read_as_they_were_written(
            (import, update, archive, assign) in any::<(bool, bool, bool, bool)>(),
            bits in 0_u8..64,
        ) {
            let needed = Needed { import, update, archive, assign, compartments: CompartmentSet::from_bits(bits) };
            prop_assert_eq!(parse(&words(needed)), Some(needed));
        }
    }

    #[test]
    fn an_unknown_word_is_nobody_s_right() {
        assert_eq!(parse("update gossip"), None);
    }

    #[test]
    fn interests_are_spelled_alike_and_go_one_way() {
        let mut change: CustomerChange = serde_json::from_value(serde_json::json!({
            "addInterests": [" zon ", ""], "removeInterests": ["wind", "zon"],
        }))
        .unwrap();
        let mut faults = Faults::new();
        change.check("/change", &mut faults);
        let found: Vec<_> = faults.into_vec().into_iter().map(|fault| fault.pointer.to_string()).collect();
        assert_eq!(found, ["/change/addInterests/1", "/change/removeInterests/1"]);
        assert_eq!(change.add_interests[0], "zon");
    }

    #[test]
    fn a_change_asks_for_what_it_touches() {
        let change: CustomerChange = serde_json::from_value(serde_json::json!({
            "patch": { "contact": null, "ownerId": null }, "addInterests": ["zon"], "archived": true,
        }))
        .unwrap();
        let compartments = CompartmentSet::of(&[Compartment::Contact, Compartment::Profile]);
        assert_eq!(change.needed(), Needed { import: false, update: true, archive: true, assign: true, compartments });
        let put_away: CustomerChange = serde_json::from_value(serde_json::json!({ "archived": false })).unwrap();
        assert!(!put_away.needed().update && put_away.needed().archive && !put_away.is_empty());
        assert!(CustomerChange::default().is_empty());
    }
}
