//! A record that isn't as it was written goes on record itself: whoever meets one, those who guard the data hear of it.
//!
//! Must never: tell what stands in the record, or answer with something else than the problem.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use kluis_core::access::{Actor, Channel};
use kluis_core::audit::{Class, Event, Outcome};
use kluis_core::kernel::{Id, Problem, ProblemKind};
use kluis_core::store::StoreError;
use poem::{Endpoint, Middleware, Request, Response};
use uuid::Uuid;

use crate::app::App;
use crate::web::{Failure, RequestId};

/// The layer; it stands around the API, inside of those that keep answers or ask again.
pub struct Alarm(pub Arc<App>);

impl<E: Endpoint<Output = Response>> Middleware<E> for Alarm {
    type Output = AlarmEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        AlarmEndpoint { inner, app: Arc::clone(&self.0) }
    }
}

/// See [`Alarm`].
pub struct AlarmEndpoint<E> {
    inner: E,
    app: Arc<App>,
}

/// Who asks, as soon as that is known.
#[derive(Clone, Default)]
pub(super) struct Asker(Arc<OnceLock<Arc<Actor>>>);

impl Asker {
    /// The first one counts: a request that is decided again has the same.
    pub(super) fn is(&self, actor: &Arc<Actor>) {
        let _ = self.0.set(Arc::clone(actor));
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for AlarmEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let id = request.data::<RequestId>().copied();
        let asker = Asker::default();
        request.set_data(asker.clone());
        let result = self.inner.call(request).await;
        let failure = result.as_ref().err().and_then(|error| error.downcast_ref::<Failure>());
        if let Some(problem) = failure.map(Failure::problem).filter(|problem| problem.kind == ProblemKind::Integrity) {
            let event = event(&self.app, problem, id, asker.0.get());
            if let Err(error) = record(&self.app, event).await {
                tracing::error!(%error, "that a record failed its integrity check could not be put on record");
            }
        }
        result
    }
}

async fn record(app: &App, event: Event) -> Result<(), StoreError> {
    app.db.begin().await?.record(event).await?.commit().await
}

fn event(app: &App, problem: &Problem, request: Option<RequestId>, actor: Option<&Arc<Actor>>) -> Event {
    let place = problem.about.as_deref();
    tracing::error!(entity = place.map(|place| place.entity), "a record failed its integrity check");
    let nobody = Id::from_uuid(Uuid::nil());
    Event {
        id: app.new_id(),
        at: app.clock.now(),
        tenant: actor.map_or(nobody, |actor| actor.tenant()),
        owner: place.map(|place| Id::from_uuid(place.tenant)),
        actor: actor.map_or_else(|| "system:nobody".into(), |actor| actor.label().to_owned().into()),
        channel: actor.map_or(Channel::Api, |actor| actor.channel()).as_str().into(),
        request: request.map(|id| id.to_string()).unwrap_or_default().into(),
        class: Class::Security,
        action: "integrity.fault".into(),
        entity: place.map_or("vault", |place| place.entity).into(),
        record: place.map(|place| place.record),
        subjects: Vec::new(),
        compartments: 0,
        purpose: "".into(),
        outcome: Outcome::Failed,
        detail: BTreeMap::new(),
    }
}
