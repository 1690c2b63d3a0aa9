pub(crate) mod listing;
pub(crate) mod outbox;
pub(crate) mod quotes;
pub(crate) mod refusal;
pub(crate) mod round_trip;
pub(crate) mod tree;

use handsel_store::reader::ListQuery;

pub(crate) fn query(limit: u32) -> ListQuery {
    ListQuery { limit, ..ListQuery::default() }
}
