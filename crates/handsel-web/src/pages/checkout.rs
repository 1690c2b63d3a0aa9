//! The hosted checkout page.
use crate::App;
use crate::problem::Refused;
use axum::response::{IntoResponse, Response};
use handsel_engine::{Code, Refusal};
use http::HeaderMap;
pub(crate) async fn page() -> Response {
    Refused(Refusal::internal()).into_response()
}
pub(crate) async fn events() -> Response {
    Refused(Refusal::internal()).into_response()
}
pub(crate) async fn status() -> Response {
    Refused(Refusal::internal()).into_response()
}
pub(crate) fn elsewhere(_: &App, _: &HeaderMap) -> Response {
    Refused(Refusal::new(Code::RouteMissing, "there is nothing here")).into_response()
}
