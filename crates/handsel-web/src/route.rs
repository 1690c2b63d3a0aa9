//! What a route is, and what one call of it knows. The list of routes itself is in [`crate::router`].

use crate::App;
use crate::extract::ids::{self, TypedId};
use crate::extract::query::Query;
use crate::extract::{de, json};
use axum::body::{Body, Bytes};
use handsel_core::actor::{Grant, Scope};
use handsel_core::api_key::text::find_leaked;
use handsel_core::id::{CustomerId, RequestId};
use handsel_core::limits::{IDEMPOTENCY_KEY_MAX_CHARS, LIST_LIMIT_DEFAULT_ROWS, LIST_LIMIT_MAX_ROWS};
use handsel_core::port::BoxFuture;
use handsel_core::secret::SecretText;
use handsel_core::time::Timestamp;
use handsel_engine::api_keys::Caller;
use handsel_engine::{Answer, Ask, Code, ListAsk, Refusal};
use http::{HeaderMap, HeaderName, header};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

/// A method of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a query may narrow a list by, beside what every list takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    Status,
    Customer,
    Reference,
    Metadata,
    Checkout,
    EventType,
    /// Read by the handler itself: another order, and a signed head.
    AfterSequence,
}

/// What a route's query may hold.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// `expand[]`, and `dry_run` where something would be written.
    One,
    /// Cursors, `created[…]` and these filters.
    List(&'static [Filter]),
    /// Named parameters of its own: `(name, is required, description)`.
    Own(&'static [(&'static str, bool, &'static str)]),
}

/// A public shape: its name, and how the document collects it with everything that it refers to.
#[derive(Clone, Copy)]
pub struct Shape {
    pub name: fn() -> std::borrow::Cow<'static, str>,
    pub collect: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    pub const fn of<T: ToSchema + PartialSchema>() -> Self {
        Self {
            name: T::name,
            collect: |into| {
                into.push((T::name().into_owned(), T::schema()));
                T::schemas(into);
            },
        }
    }
}

impl core::fmt::Debug for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&(self.name)())
    }
}

/// What a handler gives.
#[derive(Debug)]
pub enum Reply {
    Answer(Answer),
    /// Server-sent events.
    Stream(Body),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

pub type Outcome = Result<Reply, Refusal>;

/// One row of the table.
pub struct Route {
    pub verb: Verb,
    /// With `{id}` for what varies.
    pub path: &'static str,
    /// Verb and path: names the route in the log, in idempotency rows and to people.
    pub label: &'static str,
    pub scope: Scope,
    pub takes: Takes,
    /// Members that `expand[]` may name.
    pub expands: &'static [&'static str],
    pub ask: Option<Shape>,
    /// The status of success, and its shape; `None`: server-sent events.
    pub status: u16,
    pub answer: Option<Shape>,
    pub operation: &'static str,
    pub summary: &'static str,
    /// There in the sandbox only.
    pub sandbox: bool,
    pub run: fn(Call) -> BoxFuture<'static, Outcome>,
}

impl Route {
    /// Every POST may carry an idempotency key.
    pub fn is_idempotent(&self) -> bool {
        self.verb == Verb::Post
    }
    pub fn writes(&self) -> bool {
        self.verb != Verb::Get
    }
}

impl core::fmt::Debug for Route {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.label)
    }
}

/// One call of a route by somebody whose key and scope were checked.
#[derive(Debug)]
pub struct Call {
    pub app: App,
    pub route: &'static Route,
    pub caller: Arc<Caller>,
    pub grant: Grant,
    pub request: RequestId,
    pub headers: HeaderMap,
    /// What the path holds at `{…}`, by name.
    pub params: Vec<(String, String)>,
    pub path: String,
    pub raw_query: String,
    pub query: Query,
    pub body: Bytes,
}

impl Call {
    /// The body as a shape; an empty body is an empty object.
    pub async fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let value = self.tree().await?;
        if !matches!(value, json::Value::Object(_)) {
            return Err(Refusal::new(Code::ParameterInvalid, "the body must be a JSON object"));
        }
        de::from_value(&value)
    }

    /// For actions without members: nothing, or an empty object.
    pub async fn no_body(&self) -> Result<(), Refusal> {
        self.body::<handsel_types::asks::Nothing>().await.map(|_| ())
    }

    async fn tree(&self) -> Result<json::Value, Refusal> {
        if self.body.is_empty() {
            return Ok(json::Value::Object(Vec::new()));
        }
        self.refuse_leaks(&String::from_utf8_lossy(&self.body)).await?;
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        let essence = kind.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::new(Code::ContentTypeUnsupported, "send the body as Content-Type: application/json"));
        }
        let value = json::parse(&self.body)?;
        for text in strings(&value) {
            self.refuse_leaks(text).await?;
        }
        Ok(value)
    }

    async fn refuse_leaks(&self, text: &str) -> Result<(), Refusal> {
        match find_leaked(text) {
            None => Ok(()),
            Some(key) => Err(self.app.report_leak(&key, self.request, "body").await),
        }
    }

    /// The object that the path names.
    pub fn id<I: TypedId>(&self) -> Result<I, Refusal> {
        ids::read(self.param("id"), "id")
    }

    /// What the path holds at `{name}`.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The conditions of a question or an action; refuses what the query holds beside them.
    pub fn ask(&mut self) -> Result<Ask, Refusal> {
        let dry_run = if self.route.writes() { self.query.take_flag("dry_run")? } else { false };
        let expand = self.query.take_expand(self.route.expands, false)?;
        core::mem::take(&mut self.query).finish()?;
        Ok(Ask {
            grant: self.grant.clone(),
            route: self.route.label,
            idempotency_key: self.idempotency_key()?,
            presented: self.caller.presented,
            fingerprint: self.fingerprint(),
            dry_run,
            if_match: self.if_match()?,
            expand,
        })
    }

    /// The conditions of a list of objects with ids of kind `I`.
    pub fn list<I: TypedId>(&mut self) -> Result<ListAsk, Refusal> {
        let mut ask = ListAsk {
            grant: self.grant.clone(),
            path: self.route.path,
            query: Default::default(),
            reference: None,
            customer: None,
            metadata: Vec::new(),
            expand: self.query.take_expand(self.route.expands, true)?,
        };
        ask.query.limit = self.query.take_number("limit", 1, LIST_LIMIT_MAX_ROWS)?.unwrap_or(LIST_LIMIT_DEFAULT_ROWS);
        ask.query.starting_after = self.cursor::<I>("starting_after")?;
        ask.query.ending_before = self.cursor::<I>("ending_before")?;
        if ask.query.starting_after.is_some() && ask.query.ending_before.is_some() {
            let detail = "send starting_after or ending_before, not both";
            return Err(Refusal::new(Code::ParameterInvalid, detail).at("ending_before"));
        }
        for (bound, value) in self.query.take_map("created")? {
            // `created` is shown in whole seconds: a bound is about the whole second, not about its first instant.
            let second = created_bound(&bound, &value)?;
            let (first, last) = (Timestamp::from_seconds(second), end_of(second));
            match bound.as_str() {
                "gte" => ask.query.created_gte = Some(first),
                "gt" => ask.query.created_gt = Some(last),
                "lte" => ask.query.created_lte = Some(last),
                _ => ask.query.created_lt = Some(first),
            }
        }
        self.filters(&mut ask)?;
        core::mem::take(&mut self.query).finish()?;
        Ok(ask)
    }

    fn filters(&mut self, ask: &mut ListAsk) -> Result<(), Refusal> {
        let Takes::List(filters) = self.route.takes else { return Ok(()) };
        for filter in filters {
            match filter {
                Filter::Status => ask.query.status = self.query.take("status")?,
                Filter::Customer => {
                    let text = self.query.take("customer")?;
                    let id = text.map(|t| ids::read::<CustomerId>(&t, "customer")).transpose()?;
                    ask.customer = id.map(|id| id.to_string());
                }
                Filter::Reference => ask.reference = self.query.take("reference")?,
                Filter::Metadata => ask.metadata = self.query.take_map("metadata")?,
                Filter::EventType => ask.query.event_type = self.query.take("type")?,
                Filter::AfterSequence => {}
                Filter::Checkout => {
                    let text = self.query.take("checkout")?;
                    ask.query.checkout = text.map(|t| ids::read(&t, "checkout")).transpose()?;
                }
            }
        }
        Ok(())
    }

    fn cursor<I: TypedId>(&mut self, name: &'static str) -> Result<Option<String>, Refusal> {
        let Some(text) = self.query.take(name)? else { return Ok(None) };
        ids::read::<I>(&text, name)?;
        Ok(Some(text))
    }

    fn header(&self, name: &HeaderName) -> Result<Option<&str>, Refusal> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map(|v| v.to_str());
        if values.next().is_some() || matches!(first, Some(Err(_))) {
            return Err(header_invalid(name, "must be there once, in printable ASCII"));
        }
        Ok(first.and_then(Result::ok))
    }

    /// Bare or in double quotes (the RFC draft's form).
    fn idempotency_key(&self) -> Result<Option<SecretText>, Refusal> {
        const NAME: HeaderName = HeaderName::from_static("idempotency-key");
        if !self.route.is_idempotent() {
            return Ok(None);
        }
        let Some(raw) = self.header(&NAME)? else { return Ok(None) };
        let bare = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(raw);
        let printable = bare.bytes().all(|b| (0x20..0x7f).contains(&b));
        if bare.is_empty() || bare.len() > IDEMPOTENCY_KEY_MAX_CHARS || !printable {
            let rule = format!("must be 1 to {IDEMPOTENCY_KEY_MAX_CHARS} printable ASCII characters");
            return Err(header_invalid(&NAME, &rule));
        }
        Ok(Some(SecretText::new(bare)))
    }

    fn if_match(&self) -> Result<Option<u64>, Refusal> {
        let Some(raw) = self.header(&header::IF_MATCH)? else { return Ok(None) };
        if raw.trim() == "*" {
            return Ok(None);
        }
        let quoted = raw.trim().strip_prefix('"').and_then(|r| r.strip_suffix('"'));
        let version = quoted.unwrap_or(raw.trim()).parse::<u64>();
        version.map(Some).map_err(|_| header_invalid(&header::IF_MATCH, "must be an ETag that we gave, such as \"3\""))
    }

    /// SHA-256 over method, path, query and body, each with its length before it.
    fn fingerprint(&self) -> [u8; 32] {
        let parts = [self.route.verb.name().as_bytes(), self.path.as_bytes(), self.raw_query.as_bytes(), &self.body];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

fn header_invalid(name: &HeaderName, rule: &str) -> Refusal {
    Refusal::new(Code::ParameterInvalid, format!("the header {name} {rule}")).at(name.as_str())
}

fn created_bound(bound: &str, value: &str) -> Result<i64, Refusal> {
    let param = format!("created[{bound}]");
    if !matches!(bound, "gte" | "gt" | "lte" | "lt") {
        return Err(de::unknown(&param, ["created[gte]", "created[gt]", "created[lte]", "created[lt]"]).at(param));
    }
    value
        .parse()
        .map_err(|_| Refusal::new(Code::ParameterInvalid, "a Unix time in whole seconds is wanted here").at(param))
}

/// The last instant that shows as this second.
fn end_of(second: i64) -> Timestamp {
    Timestamp::from_millis(Timestamp::from_seconds(second).millis().saturating_add(999))
}

/// Every text of a tree, names included.
fn strings(value: &json::Value) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = vec![value];
    while let Some(next) = rest.pop() {
        match next {
            json::Value::String(text) => out.push(text.as_str()),
            json::Value::Array(items) => rest.extend(items),
            json::Value::Object(members) => {
                for (name, value) in members {
                    out.push(name);
                    rest.push(value);
                }
            }
            json::Value::Null | json::Value::Bool(_) | json::Value::Number(_) => {}
        }
    }
    out
}
