//! ARCHITECTURE.md tells walks with real names; this keeps them true.

use crate::tidy::root;
use std::fs;

/// Every back-quoted path of a file or folder exists, and every `room::module::item` is found in the sources of its room.
#[test]
fn the_map_names_what_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut checked = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        if quoted.contains('/') && !quoted.contains([' ', '{', '<', '*', ':']) && !quoted.starts_with(['/', '.']) {
            assert!(root().join(quoted).exists(), "ARCHITECTURE.md names {quoted}, which is not there");
            checked += 1;
        } else if let Some((room, path)) = quoted.split_once("::").filter(|_| !quoted.contains(' ')) {
            checked += usize::from(check_item(room, path));
        }
    }
    assert!(checked > 20, "the map has names to check: {checked}");
}

fn check_item(room: &str, path: &str) -> bool {
    let folder = root().join("crates").join(format!("handsel-{room}")).join("src");
    if !folder.exists() {
        return false;
    }
    let parts: Vec<&str> = path.trim_end_matches("()").split("::").collect();
    let module = parts[0];
    let candidates = [folder.join(format!("{module}.rs")), folder.join(module)];
    let is_module = candidates.iter().any(|c| c.exists());
    assert!(is_module || parts.len() == 1, "`{room}::{path}`: no module {module}");
    let item = parts[parts.len() - 1];
    if is_module && parts.len() == 1 {
        return true;
    }
    let mut texts = String::new();
    read_all(&if is_module && candidates[1].exists() { candidates[1].clone() } else { folder.clone() }, &mut texts);
    if let Ok(text) = fs::read_to_string(&candidates[0]) {
        texts.push_str(&text);
    }
    let found = ["fn ", "struct ", "enum ", "trait ", "mod ", "type ", "const ", "    "]
        .iter()
        .any(|kind| texts.contains(&format!("{kind}{item}")));
    assert!(found, "`{room}::{path}`: no {item} there");
    true
}

fn read_all(folder: &std::path::Path, out: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
