//! How long a decision takes, however long the policy is.
fn main() {}
