//! Changes of checkout creation, as the engine makes them: one real creation is read back from the store and written again and
//! again under new ids, addresses and keys.

use crate::report::Failure;
use crate::scene::{Scene, new_checkout, refused};
use handsel_core::actor::Resource;
use handsel_core::audit::Leaf;
use handsel_core::chain::Address;
use handsel_core::change::{AuditEntry, Change, IdempotentAnswer, Write};
use handsel_core::checkout::Checkout;
use handsel_core::event::NewEvent;
use handsel_core::id::{AuditId, CheckoutId, EventId, RequestId};
use handsel_core::secret::Sealed;
use handsel_store::reader::ListQuery;

const ROUTE: &str = "POST /v1/checkouts";
/// What sealing adds to a text, and the version before it (see the engine's idempotency).
const SEALED_OVERHEAD_BYTES: usize = 80;

/// One real creation, as it was stored.
#[derive(Debug)]
pub(crate) struct Template {
    checkout: Checkout,
    event: NewEvent,
    leaf: Leaf,
    answer: IdempotentAnswer,
}

impl Template {
    /// Creates one checkout through the engine and reads back what that wrote.
    ///
    /// # Errors
    /// When the engine refuses or something is missing.
    pub(crate) async fn of(scene: &Scene) -> Result<Self, Failure> {
        let ask = scene.ask(ROUTE, Resource::Checkouts).await?;
        let answer = scene.engine.create_checkout(&ask, new_checkout()).await.map_err(refused)?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let id = CheckoutId::parse(body.get("id").and_then(|id| id.as_str()).ok_or("a checkout without id")?)?;
        let reader = &scene.store.reader;
        let checkout = reader.checkout(scene.account, id).await?.ok_or("the checkout was not stored")?;
        let events = reader.events_of_object(scene.account, &id.to_string()).await?;
        let event = events.into_iter().next().ok_or("the creation has no event")?.new;
        let query = ListQuery { limit: 1, ..ListQuery::default() };
        let entries = reader.audit_entries(scene.account, &query).await?.data;
        let leaf = entries.into_iter().next().ok_or("the creation has no audit leaf")?.entry.leaf;
        let answer = IdempotentAnswer {
            account: scene.account,
            route: ROUTE.to_owned(),
            key_hash: scene.chance.bytes(),
            fingerprint: scene.chance.bytes(),
            status: answer.status,
            answer: Sealed(vec![0; answer.body.len() + SEALED_OVERHEAD_BYTES]),
            created: checkout.created,
        };
        Ok(Self { checkout, event, leaf, answer })
    }

    /// The same creation as another one.
    pub(crate) fn change(&self, scene: &Scene) -> Change {
        let (now, chance) = (scene.clock.now(), &*scene.chance);
        let id = CheckoutId::new(now, chance);
        let request = Some(RequestId::new(now, chance));
        let object = id.to_string();
        let mut checkout = Checkout { id, created: now, ..self.checkout.clone() };
        checkout.lookups.iter_mut().for_each(|lookup| *lookup = chance.bytes());
        let (address, index) = (Address(chance.bytes()), (chance.next() >> 33) as u32);
        for option in &mut checkout.options {
            option.address = address;
            option.derivation = Some(index);
        }
        let event = NewEvent {
            id: EventId::new(now, chance),
            created: now,
            object: object.clone(),
            request,
            ..self.event.clone()
        };
        let leaf = Leaf { time: now, object: Some(object), request, detail: Some(chance.bytes()), ..self.leaf.clone() };
        let answer = IdempotentAnswer {
            key_hash: chance.bytes(),
            fingerprint: chance.bytes(),
            created: now,
            ..self.answer.clone()
        };
        Change {
            writes: vec![Write::InsertCheckout(checkout)],
            events: vec![event],
            audit: vec![AuditEntry { id: AuditId::new(now, chance), account: Some(scene.account), leaf }],
            answer: Some(answer),
            cursor: None,
        }
    }
}
