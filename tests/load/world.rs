//! Whom the load program asks for: tenants, their managers' tokens, and the ids of customers.

use serde::{Deserialize, Serialize};

/// A tenant, with what its manager sends along.
#[derive(Clone, Serialize, Deserialize)]
pub struct Place {
    /// The tenant's id as a UUID.
    pub tenant: String,
    pub authorization: String,
}

/// Everything that requests are drawn from.
#[derive(Default, Serialize, Deserialize)]
pub struct World {
    pub places: Vec<Place>,
    pub customers: Vec<Known>,
}

/// A customer: whose, its id, its e-mail address.
#[derive(Serialize, Deserialize)]
pub struct Known {
    pub place: usize,
    pub id: String,
    pub email: String,
}
