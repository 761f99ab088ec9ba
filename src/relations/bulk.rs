//! Many relations at once: one transaction, all of them or none.

use kluis_core::access::Scope;
use kluis_core::kernel::{Id, Problem, id::Customer};

use super::access::Create;
use super::model::{Relation, RelationDraft};
use super::service::{created_event, insert_in, new_record, require_fitting};
use crate::app::App;
use crate::customers::reach;

/// Makes relations, in their order, each from a customer of the acting tenant to another one, both of which the caller
/// may read. The first fault undoes all of them.
pub async fn create_all(
    app: &App,
    scope: &Scope<Create>,
    drafts: &[(Id<Customer>, RelationDraft)],
) -> Result<Vec<Id<Relation>>, Problem> {
    scope.require_any()?;
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = scope.tenant();
    let mut ids: Vec<_> = drafts.iter().flat_map(|(from, draft)| [*from, draft.to_id.0]).collect();
    ids.sort_unstable();
    ids.dedup();
    let reached = reach::all(app, &scope.also(), &ids).await?;
    let mut new = Vec::with_capacity(drafts.len());
    for (from, draft) in drafts {
        draft.check()?;
        let from = reached.get(from).filter(|from| from.tenant == tenant).ok_or(Problem::not_found())?;
        let to = require_fitting(draft.kind, from, reached.get(&draft.to_id.0).copied())?;
        let record = new_record(app, from, &to, draft);
        new.push((record, created_event(app, scope, from, &record).await?));
    }
    let mut tx = app.db.begin().await?;
    scope.enter(&mut tx, tenant).await?;
    for (record, _) in &new {
        insert_in(app, &mut tx, scope, record).await?;
    }
    let (records, events): (Vec<_>, Vec<_>) = new.into_iter().unzip();
    tx.record_all(events).await?.commit().await?;
    Ok(records.iter().map(|record| record.id).collect())
}
