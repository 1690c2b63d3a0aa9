//! Lists: pages by (created, id) or (created, mark), both ways, with fixed statements. What a query leaves out is a bound at the far end.

use super::{Decode, ListQuery, Page, PlacedEntry, Reader};
use crate::ReadError;
use crate::rows::{api_key, audit, checkout, delivery, event, payment, request, wallet, webhook};
use crate::sql::{self, PointRead, Statement};
use crate::value::Value;
use handsel_core::api_key::ApiKey;
use handsel_core::change::RequestRow;
use handsel_core::checkout::Checkout;
use handsel_core::delivery::Delivery;
use handsel_core::event::Event;
use handsel_core::id::AccountId;
use handsel_core::payment::Payment;
use handsel_core::wallet::Wallet;
use handsel_core::webhook::Webhook;

/// Below and above every id's text.
const BEFORE_IDS: &str = "";
const AFTER_IDS: &str = "~";

/// How one kind of object is listed.
struct Listing<T> {
    newest: &'static Statement,
    oldest: &'static Statement,
    order: Order,
    decode: Decode<T>,
}

/// What orders the objects of one moment, with the statement that turns an id into a place.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// Their ids: as good as any order, and every object has one.
    Ids(&'static PointRead),
    /// The order of their writing, which their numbers follow; on PostgreSQL not always where two processes write one account's
    /// objects within a millisecond.
    Marks(&'static PointRead),
}

impl Order {
    /// The place before all objects of `created`.
    fn before(self, created: i64) -> Place {
        let within = match self {
            Self::Ids(_) => Within::Id(BEFORE_IDS.to_owned()),
            Self::Marks(_) => Within::Mark(i64::MIN),
        };
        Place { created, within }
    }
    /// The place after all objects of `created`.
    fn after(self, created: i64) -> Place {
        let within = match self {
            Self::Ids(_) => Within::Id(AFTER_IDS.to_owned()),
            Self::Marks(_) => Within::Mark(i64::MAX),
        };
        Place { created, within }
    }
}

/// A place in a list; both ends of a page's range are such places, outside of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    created: i64,
    within: Within,
}

/// The place among the objects of one moment. One list has one kind of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    Id(String),
    Mark(i64),
}

impl Place {
    fn of_id(created: i64, id: String) -> Self {
        Self { created, within: Within::Id(id) }
    }
    fn values(self) -> [Value<'static>; 2] {
        let within = match self.within {
            Within::Id(id) => Value::Owned(id),
            Within::Mark(mark) => Value::Int(mark),
        };
        [Value::Int(self.created), within]
    }
}

/// The open range of places that `query`'s times leave.
fn range(query: &ListQuery, order: Order) -> (Place, Place) {
    let mut low = order.before(i64::MIN);
    let mut high = order.after(i64::MAX);
    if let Some(t) = query.created_gte {
        low = low.max(order.before(t.millis()));
    }
    if let Some(t) = query.created_gt {
        low = low.max(order.after(t.millis()));
    }
    if let Some(t) = query.created_lte {
        high = high.min(order.after(t.millis()));
    }
    if let Some(t) = query.created_lt {
        high = high.min(order.before(t.millis()));
    }
    (low, high)
}

fn status(query: &ListQuery) -> Value<'static> {
    query.status.clone().map_or(Value::Null, Value::Owned)
}

impl Reader {
    async fn place(&self, order: Order, account: AccountId, id: &str) -> Result<Option<Place>, ReadError> {
        let key = vec![Value::Owned(id.to_owned()), Value::id(account)];
        match order {
            Order::Ids(created) => {
                let created = self.point(created, key, |r| r.int(0)).await?;
                Ok(created.map(|created| Place::of_id(created, id.to_owned())))
            }
            Order::Marks(place) => {
                self.point(place, key, |r| Ok(Place { created: r.int(0)?, within: Within::Mark(r.int(1)?) })).await
            }
        }
    }

    /// The range of `query`, narrowed by its cursors; `None` where a cursor names nothing of this account.
    async fn bounds(
        &self,
        order: Order,
        account: AccountId,
        query: &ListQuery,
    ) -> Result<Option<(Place, Place)>, ReadError> {
        let (mut low, mut high) = range(query, order);
        if let Some(id) = &query.starting_after {
            let Some(place) = self.place(order, account, id).await? else { return Ok(None) };
            high = high.min(place);
        }
        if let Some(id) = &query.ending_before {
            let Some(place) = self.place(order, account, id).await? else { return Ok(None) };
            low = low.max(place);
        }
        Ok(Some((low, high)))
    }

    /// One page; `extra` are the values from ?7 on.
    async fn page<T: Send + 'static>(
        &self,
        listing: Listing<T>,
        account: AccountId,
        query: &ListQuery,
        extra: Vec<Value<'static>>,
    ) -> Result<Page<T>, ReadError> {
        let Some((low, high)) = self.bounds(listing.order, account, query).await? else {
            return Ok(Page { data: Vec::new(), has_more: false });
        };
        let backwards = query.ending_before.is_some();
        let statement = if backwards { listing.oldest } else { listing.newest };
        let limit = query.limit.max(1);
        let mut values = vec![Value::id(account)];
        values.extend(low.values());
        values.extend(high.values());
        values.push(Value::Int(i64::from(limit) + 1));
        values.extend(extra);
        let data = self.rows(statement, values, listing.decode).await?;
        Ok(cut(data, limit, backwards))
    }

    pub async fn api_keys(&self, account: AccountId, query: &ListQuery) -> Result<Page<ApiKey>, ReadError> {
        let listing = Listing {
            newest: &sql::API_KEYS_NEWEST,
            oldest: &sql::API_KEYS_OLDEST,
            order: Order::Ids(&sql::API_KEY_CREATED),
            decode: api_key::decode,
        };
        self.page(listing, account, query, vec![status(query)]).await
    }

    pub async fn wallets(&self, account: AccountId, query: &ListQuery) -> Result<Page<Wallet>, ReadError> {
        let listing = Listing {
            newest: &sql::WALLETS_NEWEST,
            oldest: &sql::WALLETS_OLDEST,
            order: Order::Ids(&sql::WALLET_CREATED),
            decode: wallet::decode,
        };
        self.page(listing, account, query, vec![status(query)]).await
    }

    pub async fn checkouts(&self, account: AccountId, query: &ListQuery) -> Result<Page<Checkout>, ReadError> {
        if let Some((first, others)) = query.lookups.split_first() {
            return self.checkouts_found(account, query, first, others).await;
        }
        let listing = Listing {
            newest: &sql::CHECKOUTS_NEWEST,
            oldest: &sql::CHECKOUTS_OLDEST,
            order: Order::Ids(&sql::CHECKOUT_CREATED),
            decode: checkout::decode,
        };
        self.page(listing, account, query, vec![status(query)]).await
    }

    /// By the first lookup's index, with the others checked here, batch after batch until the page is full.
    async fn checkouts_found(
        &self,
        account: AccountId,
        query: &ListQuery,
        first: &[u8; 32],
        others: &[[u8; 32]],
    ) -> Result<Page<Checkout>, ReadError> {
        let Some((mut low, mut high)) = self.bounds(Order::Ids(&sql::CHECKOUT_CREATED), account, query).await? else {
            return Ok(Page { data: Vec::new(), has_more: false });
        };
        let backwards = query.ending_before.is_some();
        let statement = if backwards { &sql::CHECKOUTS_FOUND_OLDEST } else { &sql::CHECKOUTS_FOUND_NEWEST };
        let limit = query.limit.max(1);
        let wanted = limit as usize + 1;
        let mut data = Vec::new();
        while data.len() < wanted {
            let mut values = vec![Value::id(account)];
            values.extend(low.clone().values());
            values.extend(high.clone().values());
            values.extend([Value::Int(i64::from(limit) + 1), status(query), Value::Hash(*first)]);
            let batch = self.rows(statement, values, checkout::decode).await?;
            let Some(last) = batch.last() else { break };
            let edge = Place::of_id(last.created.millis(), last.id.to_string());
            let full = batch.len() >= wanted;
            data.extend(batch.into_iter().filter(|c| others.iter().all(|h| c.lookups.contains(h))));
            if backwards {
                low = edge;
            } else {
                high = edge;
            }
            if !full {
                break;
            }
        }
        Ok(cut(data, limit, backwards))
    }

    pub async fn payments(&self, account: AccountId, query: &ListQuery) -> Result<Page<Payment>, ReadError> {
        let mut extra = vec![status(query)];
        let (newest, oldest) = match query.checkout {
            Some(checkout) => {
                extra.push(Value::id(checkout));
                (&sql::PAYMENTS_IN_NEWEST, &sql::PAYMENTS_IN_OLDEST)
            }
            None => (&sql::PAYMENTS_NEWEST, &sql::PAYMENTS_OLDEST),
        };
        let listing = Listing { newest, oldest, order: Order::Ids(&sql::PAYMENT_CREATED), decode: payment::decode };
        self.page(listing, account, query, extra).await
    }

    pub async fn webhooks(&self, account: AccountId, query: &ListQuery) -> Result<Page<Webhook>, ReadError> {
        let listing = Listing {
            newest: &sql::WEBHOOKS_NEWEST,
            oldest: &sql::WEBHOOKS_OLDEST,
            order: Order::Ids(&sql::WEBHOOK_CREATED),
            decode: webhook::decode,
        };
        self.page(listing, account, query, vec![status(query)]).await
    }

    pub async fn events(&self, account: AccountId, query: &ListQuery) -> Result<Page<Event>, ReadError> {
        let listing = Listing {
            newest: &sql::EVENTS_NEWEST,
            oldest: &sql::EVENTS_OLDEST,
            order: Order::Marks(&sql::EVENT_CREATED),
            decode: event::decode,
        };
        let (from, to) = kinds(query.event_type.as_deref());
        self.page(listing, account, query, vec![Value::Owned(from), Value::Owned(to)]).await
    }

    /// Deliveries, newest first; `query.webhook` narrows to one webhook.
    pub async fn deliveries(&self, account: AccountId, query: &ListQuery) -> Result<Page<Delivery>, ReadError> {
        let mut extra = vec![status(query)];
        let (newest, oldest) = match query.webhook {
            Some(webhook) => {
                extra.push(Value::id(webhook));
                (&sql::DELIVERIES_TO_NEWEST, &sql::DELIVERIES_TO_OLDEST)
            }
            None => (&sql::DELIVERIES_NEWEST, &sql::DELIVERIES_OLDEST),
        };
        let listing = Listing { newest, oldest, order: Order::Ids(&sql::DELIVERY_CREATED), decode: delivery::decode };
        self.page(listing, account, query, extra).await
    }

    pub async fn audit_entries(&self, account: AccountId, query: &ListQuery) -> Result<Page<PlacedEntry>, ReadError> {
        let listing = Listing {
            newest: &sql::AUDIT_NEWEST,
            oldest: &sql::AUDIT_OLDEST,
            order: Order::Marks(&sql::AUDIT_CREATED),
            decode: audit::decode,
        };
        self.page(listing, account, query, Vec::new()).await
    }

    pub async fn request_rows(&self, account: AccountId, query: &ListQuery) -> Result<Page<RequestRow>, ReadError> {
        let listing = Listing {
            newest: &sql::REQUESTS_NEWEST,
            oldest: &sql::REQUESTS_OLDEST,
            order: Order::Ids(&sql::REQUEST_CREATED),
            decode: request::decode,
        };
        self.page(listing, account, query, Vec::new()).await
    }
}

/// The kinds between two texts, both inside: one name, a family (`checkout.*`; '/' follows '.'), or all.
fn kinds(event_type: Option<&str>) -> (String, String) {
    match event_type {
        None | Some("*") => (BEFORE_IDS.to_owned(), AFTER_IDS.to_owned()),
        Some(name) => match name.strip_suffix(".*") {
            Some(family) => (format!("{family}."), format!("{family}/")),
            None => (name.to_owned(), name.to_owned()),
        },
    }
}

/// Cuts the one row more that says whether there are more, and puts the newest first.
fn cut<T>(mut data: Vec<T>, limit: u32, backwards: bool) -> Page<T> {
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    if backwards {
        data.reverse();
    }
    Page { data, has_more }
}
