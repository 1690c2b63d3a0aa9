//! The CLI's way to a server: `--url`, `HANDSEL_API_KEY`, one request, a clear error.

use crate::exit::{Code, Failure};
use handsel_core::secret::SecretText;
use handsel_net::egress::{NamedEndpoint, NamedOptions};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use http::{HeaderName, Method};
use serde_json::Value;

const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// One server and the key to it.
#[derive(Debug)]
pub struct Client {
    endpoint: NamedEndpoint,
    key: SecretText,
}

/// What a server said.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Client {
    /// `url` is the server's base URL; the key comes from the environment or a file, never from the command line.
    pub fn new(url: &str, key: SecretText) -> Result<Self, Failure> {
        let endpoint = NamedEndpoint::new(url, &NamedOptions::default())
            .map_err(|_| Failure::usage(format!("--url {url} is no http or https URL")))?;
        Ok(Self { endpoint, key })
    }

    /// Any status is an answer here.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Said, Failure> {
        let mut headers = HeaderMap::new();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.key.expose()))
            .map_err(|_| Failure::new(Code::Auth, "the API key has characters that no key has"))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(HeaderName::from_static("accept"), HeaderValue::from_static("application/json"));
        let body = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
        let answer = self.endpoint.request(method, path, headers, body.into(), ANSWER_MAX_BYTES).await;
        let answer = answer.map_err(|error| {
            Failure::new(Code::Network, format!("{} can't be reached: {error}", self.endpoint.label()))
        })?;
        Ok(Said { status: answer.status.as_u16(), body: answer.body })
    }

    /// Success, or the problem that the server told as a failure with the fitting exit code.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let said = self.ask(method, path, body).await?;
        let value: Value = serde_json::from_slice(&said.body)
            .map_err(|_| Failure::new(Code::Network, format!("no JSON came back (status {})", said.status)))?;
        if (200..300).contains(&said.status) { Ok(value) } else { Err(problem(said.status, &value)) }
    }

    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }
}

fn problem(status: u16, value: &Value) -> Failure {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let code = match status {
        401 | 403 => Code::Auth,
        404 => Code::NotFound,
        409 | 412 => Code::Conflict,
        400 | 405 | 415 | 422 => Code::Usage,
        503 => Code::Network,
        _ => Code::Failed,
    };
    let mut message = format!("{}: {}", text("code"), text("detail"));
    for name in ["hint", "request_id"] {
        if !text(name).is_empty() {
            message.push_str(&format!("\n  {name}: {}", text(name)));
        }
    }
    Failure::new(code, message)
}
