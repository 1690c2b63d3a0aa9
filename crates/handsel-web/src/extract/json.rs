//! A strict JSON reader (RFC 8259) for request bodies: bytes to a small tree.
//!
//! Stricter than most: duplicate keys, nesting beyond the limit, lone surrogates, invalid UTF-8 and anything after the value are
//! errors. It never panics and never allocates more than a small multiple of its input.

use handsel_core::limits::JSON_DEPTH_MAX_LEVELS;
use handsel_engine::{Code, Refusal};

/// One JSON value. Numbers keep their text: whoever wants one decides what it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// Reads one value that fills all of `bytes`.
pub fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let text = core::str::from_utf8(bytes).map_err(|e| invalid(e.valid_up_to(), "the body is not valid UTF-8", &[]))?;
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0, path: Vec::new() };
    reader.space();
    let value = reader.value(1)?;
    reader.space();
    if reader.at < reader.bytes.len() {
        return Err(reader.fault("there is something after the end of the JSON value"));
    }
    Ok(value)
}

/// An RFC 6901 pointer of these steps.
pub fn pointer<S: AsRef<str>>(steps: impl IntoIterator<Item = S>) -> String {
    let mut out = String::new();
    for step in steps {
        out.push('/');
        out.push_str(&step.as_ref().replace('~', "~0").replace('/', "~1"));
    }
    out
}

fn invalid(at: usize, what: &str, path: &[String]) -> Refusal {
    let refusal = Refusal::new(Code::JsonInvalid, format!("{what} (byte {at})"));
    if path.is_empty() { refusal } else { refusal.at(pointer(path)) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    path: Vec<String>,
}

impl Reader<'_> {
    fn fault(&self, what: &str) -> Refusal {
        invalid(self.at, what, &self.path)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, level: usize) -> Result<Value, Refusal> {
        match self.peek() {
            Some(b'{') => self.object(level),
            Some(b'[') => self.array(level),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.fault("a JSON value is expected here")),
            None => Err(self.fault("the JSON ends before its value does")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Refusal> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a JSON value is expected here"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn enter(&mut self, level: usize) -> Result<(), Refusal> {
        if level > JSON_DEPTH_MAX_LEVELS {
            return Err(self.fault(&format!("the JSON is nested deeper than {JSON_DEPTH_MAX_LEVELS} levels")));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn object(&mut self, level: usize) -> Result<Value, Refusal> {
        self.enter(level)?;
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("a member's name in double quotes is expected here"));
            }
            let name = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon is expected here"));
            }
            self.at += 1;
            self.space();
            self.path.push(name);
            let value = self.value(level + 1)?;
            members.push((self.path.pop().unwrap_or_default(), value));
            if self.closes(b'}')? {
                break;
            }
        }
        self.refuse_duplicates(&members)?;
        Ok(Value::Object(members))
    }

    fn refuse_duplicates(&self, members: &[(String, Value)]) -> Result<(), Refusal> {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => {
                let path: Vec<&str> = self.path.iter().map(String::as_str).chain([pair[0]]).collect();
                Err(Refusal::new(Code::JsonInvalid, "this member is there twice; send it once").at(pointer(path)))
            }
        }
    }

    fn array(&mut self, level: usize) -> Result<Value, Refusal> {
        self.enter(level)?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.path.push(items.len().to_string());
            items.push(self.value(level + 1)?);
            self.path.pop();
            if self.closes(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    /// After a member or an item: true at the closing bracket, false after a comma.
    fn closes(&mut self, bracket: u8) -> Result<bool, Refusal> {
        self.space();
        match self.peek() {
            Some(b) if b == bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(_) => Err(self.fault("a comma or a closing bracket is expected here")),
            None => Err(self.fault("the JSON ends before its value does")),
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<Value, Refusal> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        let mut good = self.digits() && (self.bytes[whole] != b'0' || self.at == whole + 1);
        if good && self.peek() == Some(b'.') {
            self.at += 1;
            good = self.digits();
        }
        if good && matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            good = self.digits();
        }
        if !good {
            return Err(self.fault("this is not a JSON number"));
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }

    fn string(&mut self) -> Result<String, Refusal> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.fault("a control character in a string must be escaped")),
                None => return Err(self.fault("the JSON ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        self.at += 1;
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.fault("this escape doesn't exist in JSON")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, Refusal> {
        let first = self.four_digits()?;
        let lone = "a lone surrogate is not a character";
        let point = match first {
            0xd800..=0xdbff => {
                if !self.bytes[self.at..].starts_with(b"\\u") {
                    return Err(self.fault(lone));
                }
                self.at += 1;
                match self.four_digits()? {
                    second @ 0xdc00..=0xdfff => 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return Err(self.fault(lone)),
                }
            }
            other => other,
        };
        char::from_u32(point).ok_or_else(|| self.fault(lone))
    }

    /// Stands on the `u` of `\uXXXX`; leaves behind the last digit.
    fn four_digits(&mut self) -> Result<u32, Refusal> {
        self.at += 1;
        let digits = self.bytes.get(self.at..self.at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let value = digits.and_then(|d| core::str::from_utf8(d).ok()).and_then(|d| u32::from_str_radix(d, 16).ok());
        let Some(value) = value else { return Err(self.fault("four hexadecimal digits are expected here")) };
        self.at += 4;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn refused(text: &[u8]) -> Refusal {
        let refusal = parse(text).unwrap_err();
        assert_eq!(refusal.code, Code::JsonInvalid);
        refusal
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let bad: &[&[u8]] = &[
            b"",
            b" ",
            b"{",
            b"[1,]",
            b"{\"a\":1,}",
            b"{'a':1}",
            b"01",
            b"-",
            b"1.",
            b".5",
            b"1e",
            b"+1",
            b"nul",
            b"NaN",
            b"\"\x01\"",
            b"\"\\x41\"",
            b"\"\\ud800\"",
            b"\"\\udc00\"",
            b"\"\\ud800\\u0041\"",
            b"\"abc",
            b"\xff",
            b"{} {}",
            b"1 2",
            b"\xef\xbb\xbf{}",
            b"\"\\u12g4\"",
            b"\"\\u12",
        ];
        for text in bad {
            refused(text);
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_named() {
        assert_eq!(refused(br#"{"a":{"b":1,"c":2,"b":3}}"#).param.as_deref(), Some("/a/b"));
        assert_eq!(refused(br#"[{"a/b":1,"a/b":1}]"#).param.as_deref(), Some("/0/a~1b"));
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        assert!(parse(&nested(JSON_DEPTH_MAX_LEVELS)).is_ok());
        refused(&nested(JSON_DEPTH_MAX_LEVELS + 1));
        refused(&nested(200_000));
    }

    #[test]
    fn escapes_become_characters() {
        let value = parse(br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#).unwrap();
        assert_eq!(value, Value::String("a\"\\/\u{8}\u{c}\n\r\té😀".to_owned()));
    }
}
