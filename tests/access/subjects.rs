//! People to ask about, and the words that Casbin is asked with.

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter};
use kluis_core::access::{Action, Line, MODEL, Object, Purpose, Rel, Role, SubjectRoles, TenantKind};
use kluis_core::kernel::Id;
use kluis_core::kernel::id::{Tenant, User};
use uuid::Uuid;

pub fn user(number: u128) -> Id<User> {
    Id::from_uuid(Uuid::from_u128(0x1000 + number))
}

pub fn tenant(number: u128) -> Id<Tenant> {
    Id::from_uuid(Uuid::from_u128(0x2000 + number))
}

pub fn roles(names: &[&str]) -> Vec<Role> {
    names.iter().map(|name| Role::parse(name).expect("a role")).collect()
}

pub fn subject(kind: TenantKind, names: &[&str]) -> SubjectRoles {
    SubjectRoles { user: Some(user(1)), tenant: tenant(1), kind, roles: roles(names) }
}

/// Casbin, filled with lines as anybody would fill it: the links that count for the subject stand in its tenant.
pub async fn enforcer<'a>(lines: impl Iterator<Item = &'a Line>, subject: &SubjectRoles) -> Enforcer {
    let model = DefaultModel::from_str(MODEL).await.expect("the model");
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("an enforcer");
    let domain = domain_of(subject);
    for line in lines {
        let words = line.words[1..].to_vec();
        match line.words[0].as_str() {
            // A line that is added twice moves to the end, and then another one seems to decide.
            "p" if !enforcer.get_model().has_policy("p", "p", words.clone()) => {
                enforcer.get_mut_model().add_policy("p", "p", words);
            }
            "g" if [domain.as_str(), subject.kind.as_str(), "*"].contains(&words[2].as_str()) => {
                let written_out = vec![words[0].clone(), words[1].clone(), domain.clone()];
                enforcer.get_mut_model().add_policy("g", "g", written_out);
            }
            _ => {}
        }
    }
    for role in &subject.roles {
        let words = vec![name_of(subject), role.prefixed(), domain.clone()];
        enforcer.get_mut_model().add_policy("g", "g", words);
    }
    enforcer.build_role_links().expect("role links");
    enforcer
}

pub fn name_of(subject: &SubjectRoles) -> String {
    subject.user.map_or_else(|| "system".to_owned(), |user| format!("user:{user}"))
}

pub fn domain_of(subject: &SubjectRoles) -> String {
    format!("t:{}", subject.tenant)
}

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question {
    pub object: Object,
    pub action: Action,
    pub rel: Rel,
    pub purpose: Purpose,
}

impl Question {
    pub fn all_about(object: Object) -> impl Iterator<Item = Self> {
        Action::ALL.iter().flat_map(move |action| {
            Rel::ALL.iter().flat_map(move |rel| {
                let ask = move |purpose: &Purpose| Self { object, action: *action, rel: *rel, purpose: *purpose };
                Purpose::ALL.iter().map(ask)
            })
        })
    }

    pub fn request(self, subject: &SubjectRoles) -> Vec<String> {
        self.asked_by([name_of(subject), domain_of(subject), subject.kind.to_string()])
    }

    /// The request of somebody whose name, domain and kind are already written down.
    pub fn asked_by(self, somebody: [String; 3]) -> Vec<String> {
        let Self { object, action, rel, purpose } = self;
        let words = [object.as_str(), action.as_str(), rel.as_str(), purpose.as_str()];
        somebody.into_iter().chain(words.map(str::to_owned)).collect()
    }
}

impl Question {
    /// A question that a `p` line answers; the first word of a list stands for `*`.
    pub fn of_line(line: &Line) -> Self {
        let words = &line.words;
        Self {
            object: Object::parse(&words[3]).expect("an object"),
            action: Action::parse(&words[4]).unwrap_or(Action::Read),
            rel: Rel::parse(&words[5]).unwrap_or(Rel::Unit),
            purpose: Purpose::parse(&words[6]).unwrap_or(Purpose::Contract),
        }
    }
}
