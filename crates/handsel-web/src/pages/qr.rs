//! QR codes as SVG paths, made on the server: dark runs of each row joined into one path.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;

/// The quiet zone that the standard asks for (ISO/IEC 18004), in modules.
const QUIET: i32 = 4;

/// A drawing: `viewBox` is `0 0 side side`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Qr {
    pub(crate) side: i32,
    pub(crate) path: String,
}

/// `None` where the text is too long for any code.
pub(crate) fn draw(text: &str) -> Option<Qr> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let start = x;
            while x < size && code.get_module(x, y) {
                x += 1;
            }
            if x > start {
                let _ = write!(path, "M{} {}h{}v1h-{}z", start + QUIET, y + QUIET, x - start, x - start);
            }
            x += 1;
        }
    }
    Some(Qr { side: size + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_path_covers_exactly_the_dark_modules() {
        let text = "0x52908400098527886E0F7030069857D2E4169EE7";
        let drawn = draw(text).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let dark = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark = dark.filter(|(x, y)| code.get_module(*x, *y)).count();
        let runs = drawn.path.split('h').skip(1).filter(|run| !run.starts_with('-'));
        let covered: usize = runs.map(|run| run.split('v').next().unwrap().parse::<usize>().unwrap()).sum();
        assert_eq!(covered, dark);
        assert!(drawn.path.len() < 6_000, "{}", drawn.path.len());
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(draw(&"x".repeat(5_000)), None);
    }
}
