//! What others build on, kept word for word: a change of it is seen in review, or it fails. `cargo insta review` takes what is meant.

mod pages;

use crate::harness::run;
use serde_json::Value;

/// Compares with the reviewed file of this name.
macro_rules! reviewed {
    ($assert:ident, $name:expr, $value:expr) => {{
        let value = $value;
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots/reviewed"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::$assert!($name, value) })
    }};
}
pub(crate) use reviewed;

#[test]
fn the_description_of_the_api() {
    run(async |s| {
        let document: Value = s.anonymous().get("/openapi.json").await.ok();
        reviewed!(assert_json_snapshot, "openapi", document);
    });
}
