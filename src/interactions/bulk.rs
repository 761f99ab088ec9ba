//! Many interactions at once: one transaction, all of them or none.

use std::collections::HashMap;

use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Interaction};

use super::access::Create;
use super::model::{InteractionDraft, Valid};
use super::service::{create_in, created_event, subject_key};
use crate::app::App;
use crate::customers::reach;

/// Writes down interactions, in their order, with customers that the caller may read. The first fault undoes all of
/// them. Participants in the file aren't taken here.
pub async fn create_all(
    app: &App,
    scope: &Scope<Create>,
    drafts: Vec<InteractionDraft>,
) -> Result<Vec<Id<Interaction>>, Problem> {
    scope.require_any()?;
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let valid = drafts.into_iter().map(|draft| Valid::parse(draft, now)).collect::<Result<Vec<_>, _>>()?;
    let mut ids: Vec<_> = valid.iter().map(|valid| valid.draft().customer_id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let customers = reach::all(app, &scope.also(), &ids).await?;
    let mut keys = HashMap::with_capacity(customers.len());
    for (id, customer) in &customers {
        keys.insert(*id, subject_key(app, customer).await?);
    }
    let mut held: Vec<_> = customers.values().collect();
    held.sort_unstable_by_key(|customer| customer.id);
    let mut tx = app.db.begin().await?;
    for customer in held {
        reach::hold(&mut tx, customer).await?;
    }
    let (mut events, mut made) = (Vec::with_capacity(valid.len()), Vec::with_capacity(valid.len()));
    for valid in &valid {
        let id = valid.draft().customer_id.0;
        let (Some(customer), Some(key)) = (customers.get(&id), keys.get(&id)) else { return Err(Problem::not_found()) };
        let row = create_in(app, scope, &mut tx, customer, key, valid).await?;
        events.push(created_event(app, scope, customer, &row)?);
        made.push(row.id);
    }
    tx.record_all(events).await?.commit().await?;
    Ok(made)
}
