//! TOML and environment as one table of dotted keys; what was asked for is known, what was not is refused.

use super::ConfigError;
use handsel_core::private_key::looks_private;
use handsel_core::secret::SecretText;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Variables with our prefix that are no configuration: the CLI's own, and those of the test runner.
const OTHER_VARIABLES: &[&str] = &[
    "HANDSEL_API_KEY",
    "HANDSEL_URL",
    "HANDSEL_CONFIG",
    "HANDSEL_BIN",
    "HANDSEL_TEST_PG",
    "HANDSEL_TEST_SEED",
    "HANDSEL_KILLS",
    "HANDSEL_SEED",
    "HANDSEL_SEEDS",
    "HANDSEL_BUGS",
    "HANDSEL_LOG",
];
/// Keys whose value may be a secret of 64 hex digits and is no private key of a chain.
const SECRET_KEYS: &[&str] = &["encryption_key"];
const NEAREST_DISTANCE_MAX: usize = 4;

pub(super) struct Source {
    file: Table,
    /// Dotted key, the variable's own name, its value.
    variables: Vec<(String, String, String)>,
    asked: BTreeSet<String>,
}

impl Source {
    pub(super) fn new(text: Option<&str>, variables: &[(String, String)]) -> Result<Self, ConfigError> {
        let file: Table = match text {
            None => Table::new(),
            // The parser's own text may quote the line, and a line may hold a secret: only the place is told.
            Some(text) => text.parse().map_err(|error: toml::de::Error| {
                let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                ConfigError::new("file", format!("is no valid TOML at line {line}"))
            })?,
        };
        let ours = variables
            .iter()
            .filter(|(name, _)| name.starts_with("HANDSEL_") && !OTHER_VARIABLES.contains(&name.as_str()));
        let dotted = |name: &str| name["HANDSEL_".len()..].to_ascii_lowercase().replace("__", ".");
        let variables = ours.map(|(name, value)| (dotted(name), name.clone(), value.clone())).collect();
        Ok(Self { file, variables, asked: BTreeSet::new() })
    }

    fn in_file(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let mut value = self.file.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        Some(value)
    }

    fn variable(&self, key: &str) -> Option<&str> {
        self.variables.iter().find(|(dotted, ..)| dotted == key).map(|(.., value)| value.as_str())
    }

    /// The value of a key as text; numbers and booleans of the file are refused where text is wanted.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, ConfigError> {
        self.asked.insert(key.to_owned());
        let value = match (self.variable(key), self.in_file(key)) {
            (Some(text), _) => text.to_owned(),
            (None, Some(Value::String(text))) => text.clone(),
            (None, Some(_)) => return Err(ConfigError::new(key, "must be a text in quotes")),
            (None, None) => return Ok(None),
        };
        if !SECRET_KEYS.contains(&key) && looks_private(&value) {
            return Err(ConfigError::new(key, "looks like a private key; Handsel never takes one"));
        }
        Ok(Some(value))
    }

    /// A secret: by itself, or from the file that `<key>_file` names.
    pub(super) fn secret(&mut self, key: &str) -> Result<Option<SecretText>, ConfigError> {
        let direct = self.text(key)?;
        let from = self.text(&format!("{key}_file"))?;
        match (direct, from) {
            (Some(_), Some(_)) => Err(ConfigError::new(key, "give the secret itself or its _file, not both")),
            (Some(text), None) => Ok(Some(SecretText::new(text))),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(SecretText::new(text.trim().to_owned()))),
                Err(error) => {
                    Err(ConfigError::new(format!("{key}_file"), format!("{path} can't be read: {}", error.kind())))
                }
            },
            (None, None) => Ok(None),
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.asked.insert(key.to_owned());
        let wrong = || ConfigError::new(key, "must be true or false");
        match (self.variable(key), self.in_file(key)) {
            (Some(text), _) => text.parse().map(Some).map_err(|_| wrong()),
            (None, Some(value)) => value.as_bool().map(Some).ok_or_else(wrong),
            (None, None) => Ok(None),
        }
    }

    /// A positive whole number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<u32>, ConfigError> {
        self.asked.insert(key.to_owned());
        let number = match (self.variable(key), self.in_file(key)) {
            (Some(text), _) => text.parse::<u32>().ok(),
            (None, Some(value)) => value.as_integer().and_then(|n| u32::try_from(n).ok()),
            (None, None) => return Ok(None),
        };
        number.filter(|n| *n > 0).map(Some).ok_or_else(|| ConfigError::new(key, "must be a whole number from 1 up"))
    }

    /// A list of texts (numbers count as texts); a variable's commas separate, an empty one is an empty list.
    pub(super) fn list(&mut self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        self.asked.insert(key.to_owned());
        if let Some(text) = self.variable(key) {
            return Ok(Some(text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()));
        }
        let Some(value) = self.in_file(key) else { return Ok(None) };
        let texts = value.as_array().and_then(|items| items.iter().map(text_of).collect::<Option<Vec<_>>>());
        texts.map(Some).ok_or_else(|| ConfigError::new(key, "must be a list of texts"))
    }

    /// An array of tables (file only); its own keys are checked by whoever reads them.
    pub(super) fn tables(&mut self, key: &str) -> Result<Vec<Table>, ConfigError> {
        self.asked.insert(key.to_owned());
        let Some(value) = self.in_file(key) else { return Ok(Vec::new()) };
        let tables = value.as_array().and_then(|items| items.iter().map(|v| v.as_table().cloned()).collect());
        tables.ok_or_else(|| ConfigError::new(key, format!("must be written as [[{key}]]")))
    }

    /// Refuses everything that nobody asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let mut unknown = Vec::new();
        leaves(&self.file, "", &self.asked, &mut unknown);
        if let Some(key) = unknown.first() {
            return Err(unknown_key(key, nearest(key, self.asked.iter().map(String::as_str))));
        }
        let stray = self.variables.iter().find(|(dotted, ..)| !self.asked.contains(dotted));
        if let Some((dotted, name, _)) = stray {
            let known = nearest(dotted, self.asked.iter().map(String::as_str));
            let known = known.map(|k| format!("HANDSEL_{}", k.to_ascii_uppercase().replace('.', "__")));
            return Err(unknown_key(name, known.as_deref()));
        }
        Ok(())
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Dotted keys of the file that were not asked for.
fn leaves(table: &Table, prefix: &str, asked: &BTreeSet<String>, unknown: &mut Vec<String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            _ if asked.contains(&key) => {}
            Value::Table(inner) if !inner.is_empty() => leaves(inner, &key, asked, unknown),
            _ => unknown.push(key),
        }
    }
}

pub(super) fn unknown_key(key: &str, nearest: Option<&str>) -> ConfigError {
    let hint = nearest.map_or_else(|| "unknown key".to_owned(), |known| format!("unknown key; did you mean {known}?"));
    ConfigError::new(key, hint)
}

/// The known name that is nearest to a mistyped one, if any is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|k| (strsim::damerau_levenshtein(name, k), k));
    scored.min().filter(|(distance, _)| *distance <= NEAREST_DISTANCE_MAX).map(|(_, k)| k)
}
