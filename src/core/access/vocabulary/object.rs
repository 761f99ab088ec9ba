//! What things are done to: entities, and the compartments of their personal data.

use super::{Action, Purpose, words};

words! {
    /// An entity (`customer`), or a compartment of one (`customer.contact`): what a policy line speaks about.
    ///
    /// Seeing a compartment always takes the right to see its entity as well.
    Object {
        Tenant = "tenant", "tenants", "vestigingen";
        Partner = "partner", "partners", "partners";
        PartnerIdentity = "partner.identity", "names of partners' people", "namen van mensen bij partners";
        PartnerContact = "partner.contact", "contact data of partners' people", "contactgegevens van mensen bij partners";
        PartnerFinancial = "partner.financial", "payment data of partners", "betaalgegevens van partners";
        User = "user", "users", "gebruikers";
        UserIdentity = "user.identity", "names of users", "namen van gebruikers";
        UserContact = "user.contact", "contact data of users", "contactgegevens van gebruikers";
        RoleGrant = "role_grant", "roles of users", "rollen van gebruikers";
        Session = "session", "sessions", "sessies";
        Token = "token", "API tokens", "API-sleutels";
        Customer = "customer", "customers", "klanten";
        CustomerIdentity = "customer.identity", "names and birth dates of customers", "namen en geboortedata van klanten";
        CustomerContact = "customer.contact", "contact data of customers", "contactgegevens van klanten";
        CustomerFinancial = "customer.financial", "payment data of customers", "betaalgegevens van klanten";
        CustomerProfile = "customer.profile", "preferences and custom fields of customers", "voorkeuren en eigen velden van klanten";
        CustomerNotes = "customer.notes", "remarks about customers", "opmerkingen over klanten";
        CustomerSpecial = "customer.special", "special categories of customers' data", "bijzondere gegevens van klanten";
        Relation = "relation", "relations between customers", "relaties tussen klanten";
        CustomField = "custom_field", "custom fields", "eigen velden";
        Interaction = "interaction", "interactions", "contactmomenten";
        InteractionNotes = "interaction.notes", "contents of interactions", "inhoud van contactmomenten";
        InteractionSpecial = "interaction.special", "sensitive contents of interactions", "gevoelige inhoud van contactmomenten";
        Import = "import", "imports", "imports";
        Export = "export", "exports", "exports";
        Job = "job", "jobs", "taken op de achtergrond";
        AuditEvent = "audit_event", "the audit log", "het auditlogboek";
        Policy = "policy", "the access policy", "het toegangsbeleid";
        Configuration = "configuration", "the configuration", "de configuratie";
    }
}

const PART: &[Action] = &[Action::Read, Action::Mask, Action::Reveal, Action::Update, Action::Export, Action::Share];

impl Object {
    /// The entity that a compartment belongs to; an entity is its own.
    #[must_use]
    pub const fn entity(self) -> Self {
        match self {
            Self::PartnerIdentity | Self::PartnerContact | Self::PartnerFinancial => Self::Partner,
            Self::UserIdentity | Self::UserContact => Self::User,
            Self::CustomerIdentity
            | Self::CustomerContact
            | Self::CustomerFinancial
            | Self::CustomerProfile
            | Self::CustomerNotes
            | Self::CustomerSpecial => Self::Customer,
            Self::InteractionNotes | Self::InteractionSpecial => Self::Interaction,
            entity => entity,
        }
    }

    /// The name of the compartment (`contact`), `None` for an entity.
    pub fn compartment(self) -> Option<&'static str> {
        self.as_str().split_once('.').map(|(_, compartment)| compartment)
    }

    /// The compartments that this entity has.
    pub const fn parts(self) -> &'static [Self] {
        match self {
            Self::Partner => &[Self::PartnerIdentity, Self::PartnerContact, Self::PartnerFinancial],
            Self::User => &[Self::UserIdentity, Self::UserContact],
            Self::Customer => &[
                Self::CustomerIdentity,
                Self::CustomerContact,
                Self::CustomerFinancial,
                Self::CustomerProfile,
                Self::CustomerNotes,
                Self::CustomerSpecial,
            ],
            Self::Interaction => &[Self::InteractionNotes, Self::InteractionSpecial],
            _ => &[],
        }
    }

    /// The compartment of this entity with that name.
    pub fn part(self, compartment: &str) -> Option<Self> {
        self.parts().iter().copied().find(|part| part.compartment() == Some(compartment))
    }

    /// The purpose of dealing with it where that is plain: running the system, or overseeing it. `None` for the data of
    /// people in the file, which is always used for a purpose of the one who asks.
    pub const fn own_purpose(self) -> Option<Purpose> {
        match self.entity() {
            Self::AuditEvent => Some(Purpose::Compliance),
            Self::Customer | Self::Relation | Self::Interaction | Self::Import | Self::Export => None,
            _ => Some(Purpose::Administration),
        }
    }

    /// What can be done to it at all; a policy line about anything else is dead.
    pub const fn actions(self) -> &'static [Action] {
        use Action::{
            Activate, Aggregate, Archive, Assign, Bulk, Cancel, Create, Delete, Erase, Explain, Export, Grant, Import,
            Read, Reset, Revoke, Share, Simulate, Undo, Update, Verify,
        };
        match self {
            Self::Tenant => &[Read, Create, Update, Archive, Aggregate],
            Self::Partner => &[Read, Create, Update, Archive, Export, Aggregate],
            Self::User => &[Read, Create, Update, Archive, Reset, Erase],
            Self::RoleGrant => &[Read, Grant, Revoke],
            Self::Session | Self::Token => &[Read, Create, Revoke],
            Self::Customer => &[Read, Create, Update, Archive, Assign, Bulk, Import, Export, Share, Aggregate, Erase],
            Self::Relation => &[Read, Create, Update, Delete, Export],
            Self::CustomField => &[Read, Create, Update, Archive],
            Self::Interaction => &[Read, Create, Update, Archive, Bulk, Import, Export, Share, Aggregate],
            Self::Import => &[Read, Create, Cancel, Undo],
            Self::Export => &[Read, Create, Cancel, Delete],
            Self::Job => &[Read, Update, Cancel],
            Self::AuditEvent => &[Read, Export, Verify],
            Self::Policy => &[Read, Update, Simulate, Explain, Activate, Verify],
            Self::Configuration => &[Read, Update],
            _ => PART,
        }
    }

    /// Whether an action can be done to it at all.
    pub const fn takes(self, action: Action) -> bool {
        let actions = self.actions();
        let mut at = 0;
        while at < actions.len() {
            if actions[at].index() == action.index() {
                return true;
            }
            at += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_compartments_agree_with_their_texts() {
        for object in Object::ALL.iter().copied() {
            let entity = object.entity();
            assert_eq!(entity.entity(), entity);
            match object.as_str().split_once('.') {
                Some((name, compartment)) => {
                    assert_eq!(entity.as_str(), name);
                    assert_eq!(object.compartment(), Some(compartment));
                    assert_eq!(entity.part(compartment), Some(object));
                    assert!(object.parts().is_empty());
                }
                None => assert_eq!((entity, object.compartment()), (object, None)),
            }
        }
        let parts: usize = Object::ALL.iter().map(|object| object.parts().len()).sum();
        let dotted = Object::ALL.iter().filter(|object| object.compartment().is_some()).count();
        assert_eq!(parts, dotted, "every compartment is listed by its entity");
    }

    #[test]
    fn every_action_is_for_something_and_everything_can_be_read() {
        for action in Action::ALL.iter().copied() {
            assert!(Object::ALL.iter().any(|object| object.takes(action)), "{action}");
        }
        for object in Object::ALL.iter().copied() {
            assert!(object.takes(Action::Read), "{object}");
        }
    }
}
