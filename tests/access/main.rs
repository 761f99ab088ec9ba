//! The decisions of the access policy: against Casbin itself, against an oracle written from the design, and against
//! the text that reviewers read.

#![expect(clippy::expect_used, reason = "what a test stands on must be there, or the test has failed")]

mod casbin_says;
mod explaining;
mod hazards;
mod linting;
mod made_up;
mod oracle;
mod properties;
mod reload;
mod shipped;
mod subjects;
