//! The decisions of the access policy: against Casbin itself, against an oracle written from the design, and against
//! the text that reviewers read.

mod casbin_says;
mod hazards;
mod linting;
mod made_up;
mod oracle;
mod properties;
mod reload;
mod shipped;
mod subjects;
