//! Domain to public JSON bytes: answers, event bodies, private members. No effects and no policy; whoever calls this decided
//! already. Nothing here ever sees a secret but to show it once.

mod event;
mod names;
mod networks;
mod objects;
mod page;
mod private;
mod quotes;
mod records;

pub use event::{EventFacts, event_body, event_list, event_wire, thin};
pub use handsel_types as types;
pub use names::*;
pub use networks::network_standing;
pub use objects::{CheckoutParts, account, api_key, checkout, payment, wallet, webhook};
pub use page::PublicCheckout;
pub use private::{Private, PrivateItem};
pub use quotes::quote;
pub use records::{
    attempt, audit_entry, checkpoint, consistency, delivery, head, inclusion, received_requests, request, requeued,
    timeline,
};

use handsel_core::chain::Network;
use serde::Serialize;

/// What every object needs to know of its server.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub livemode: bool,
    /// Without a slash at the end.
    pub public_url: &'a str,
    pub networks: &'a [Network],
}

/// The JSON bytes of a shape. Our shapes have text keys only, so this doesn't fail; if it did, the answer would be `null`.
pub fn json<T: Serialize>(shape: &T) -> Vec<u8> {
    serde_json::to_vec(shape).unwrap_or_else(|_| b"null".to_vec())
}

/// Adds `"dry_run":true` to an object's bytes.
pub fn dry_run(mut object: Vec<u8>) -> Vec<u8> {
    append(&mut object, r#""dry_run":true"#);
    object
}

/// Writes members before an object's last brace.
pub(crate) fn append(object: &mut Vec<u8>, members: &str) {
    let Some(b'}') = object.pop() else { return };
    if object.len() > 1 {
        object.push(b',');
    }
    object.extend_from_slice(members.as_bytes());
    object.push(b'}');
}

/// A list answer as CSV (RFC 4180): the first object's members give the columns, `columns` where there is none; nested values stay
/// JSON.
pub fn csv(list: &[u8], columns: &[String]) -> Option<Vec<u8>> {
    let list: serde_json::Value = serde_json::from_slice(list).ok()?;
    let rows = list.get("data")?.as_array()?;
    let mut out = String::new();
    let columns: Vec<&String> = match rows.first().and_then(|r| r.as_object()) {
        Some(first) => first.keys().collect(),
        None => columns.iter().collect(),
    };
    out.push_str(&columns.iter().map(|c| csv_cell(c)).collect::<Vec<_>>().join(","));
    out.push_str("\r\n");
    for row in rows {
        let cells = columns.iter().map(|c| match row.get(c.as_str()) {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(text)) => csv_cell(text),
            Some(other) => csv_cell(&other.to_string()),
        });
        out.push_str(&cells.collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    }
    Some(out.into_bytes())
}

/// Quotes where needed; a leading `=`, `+`, `-` or `@` gets a quote mark before it, so that no spreadsheet runs it.
fn csv_cell(text: &str) -> String {
    let guarded = match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if guarded.contains([',', '"', '\n', '\r']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_appended_before_the_last_brace() {
        assert_eq!(dry_run(b"{}".to_vec()), br#"{"dry_run":true}"#);
        assert_eq!(dry_run(br#"{"a":1}"#.to_vec()), br#"{"a":1,"dry_run":true}"#);
    }

    #[test]
    fn csv_quotes_and_guards() {
        let list = br#"{"object":"list","data":[{"a":"x,y","b":"=1+1","c":null,"d":[1]}]}"#;
        let text = |list: &[u8]| {
            let table = csv(list, &["id".to_owned(), "object".to_owned()]);
            String::from_utf8(table.unwrap_or_default()).unwrap_or_default()
        };
        assert_eq!(text(list), "a,b,c,d\r\n\"x,y\",'=1+1,,[1]\r\n");
        assert_eq!(text(br#"{"object":"list","data":[]}"#), "id,object\r\n");
    }
}
