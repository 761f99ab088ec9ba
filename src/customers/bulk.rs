//! Many customers at once: one transaction, all of them or none.

use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Customer};

use super::access::Create;
use super::model::{CustomerDraft, Valid};
use super::rules;
use super::service::{create_in, created_event, writable};
use crate::app::App;

/// Makes customers of the acting tenant, in their order. The first fault undoes all of them.
pub async fn create_all(
    app: &App,
    scope: &Scope<Create>,
    drafts: Vec<CustomerDraft>,
) -> Result<Vec<Id<Customer>>, Problem> {
    scope.require_any()?;
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let rules = rules::of_tenant(app, scope.tenant()).await?;
    let rules = rules.rules(app).filling(writable(scope));
    let valid = drafts.into_iter().map(|draft| Valid::parse(draft, &rules)).collect::<Result<Vec<_>, _>>()?;
    // One commit in the key store instead of one for each handful.
    app.keys.reserve_subject_keys(scope.tenant().uuid(), valid.len()).await?;
    let mut tx = scope.begin(&app.db, scope.tenant()).await?;
    let (mut events, mut ids) = (Vec::with_capacity(valid.len()), Vec::with_capacity(valid.len()));
    for valid in &valid {
        let made = create_in(app, scope, &mut tx, valid).await?;
        events.push(created_event(app, scope, &made)?);
        ids.push(made.row.id);
    }
    tx.record_all(events).await?.commit().await?;
    Ok(ids)
}
