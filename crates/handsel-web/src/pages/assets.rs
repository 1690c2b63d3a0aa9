//! The files that pages are made of, named by what is in them, so that a browser may keep them for ever.

use crate::problem::Refused;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use handsel_engine::{Code, Refusal};
use http::header;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// One file with its hashed name.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) name: String,
    kind: &'static str,
    bytes: &'static [u8],
}

fn named(stem: &str, extension: &str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = Sha256::digest(bytes);
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Asset { name: format!("{stem}.{hash}.{extension}"), kind, bytes }
}

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| named("page", "css", "text/css; charset=utf-8", include_bytes!("../../assets/page.css")));
pub(crate) static DOCS: LazyLock<Asset> =
    LazyLock::new(|| named("docs", "css", "text/css; charset=utf-8", include_bytes!("../../assets/docs.css")));
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    named("checkout", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/checkout.js"))
});

pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let found = [&*STYLE, &*DOCS, &*SCRIPT].into_iter().find(|asset| asset.name == name);
    match found {
        Some(asset) => {
            let forever = "public, max-age=31536000, immutable";
            ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, forever)], asset.bytes).into_response()
        }
        None => Refused(Refusal::new(Code::RouteMissing, "there is no such file")).into_response(),
    }
}
