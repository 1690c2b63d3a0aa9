//! A WebSocket that says when a chain has a new head. A hint only: whoever waits looks for himself, and looks anyway when the time is
//! over. What a node sends here is never read as data.

use core::time::Duration;
use std::sync::{Arc, OnceLock};

use futures_util::{SinkExt as _, StreamExt as _};
use handsel_core::limits::{HINT_MESSAGE_MAX_BYTES, HINT_RETRY_MAX_MS, HINT_RETRY_MS, HINT_SILENCE_MAX_MS};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::egress::{NamedEndpoint, NamedOptions, SetupError};

const SUBSCRIBE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"#;
const RETRY: Duration = Duration::from_millis(HINT_RETRY_MS);
const RETRY_MAX: Duration = Duration::from_millis(HINT_RETRY_MAX_MS);
const SILENCE_MAX: Duration = Duration::from_millis(HINT_SILENCE_MAX_MS);

/// The hints of one node. The connection is made when somebody first waits, and made again whenever it breaks.
#[derive(Debug)]
pub struct HeadHints {
    endpoint: NamedEndpoint,
    heard: Arc<Notify>,
    listener: OnceLock<JoinHandle<()>>,
}

impl HeadHints {
    /// Takes a `ws://` or `wss://` URL.
    ///
    /// # Errors
    /// When the URL is none of these, or the extra root is unusable.
    pub fn new(url: &str, options: &NamedOptions) -> Result<Self, SetupError> {
        Ok(Self {
            endpoint: NamedEndpoint::new_socket(url, options)?,
            heard: Arc::new(Notify::new()),
            listener: OnceLock::new(),
        })
    }

    /// Ends at the next hint, at the latest after `limit`. A hint that came while nobody waited ends it at once.
    pub async fn wait(&self, limit: Duration) {
        self.listener.get_or_init(|| tokio::spawn(listen(self.endpoint.clone(), self.heard.clone())));
        // Both ends mean the same to the caller.
        let _ = timeout(limit, self.heard.notified()).await;
    }
}

impl Drop for HeadHints {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

async fn listen(endpoint: NamedEndpoint, heard: Arc<Notify>) {
    let mut pause = RETRY;
    loop {
        if hear(&endpoint, &heard).await {
            pause = RETRY;
        }
        sleep(pause).await;
        pause = pause.saturating_mul(2).min(RETRY_MAX);
    }
}

/// Listens on one connection until it ends; tells whether anything was heard.
async fn hear(endpoint: &NamedEndpoint, heard: &Notify) -> bool {
    let Some((request, stream)) = endpoint.open_socket().await else { return false };
    let config = WebSocketConfig::default()
        .max_message_size(Some(HINT_MESSAGE_MAX_BYTES))
        .max_frame_size(Some(HINT_MESSAGE_MAX_BYTES));
    let opening = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    let Ok(Ok((mut socket, _))) = timeout(SILENCE_MAX, opening).await else { return false };
    if socket.send(Message::text(SUBSCRIBE)).await.is_err() {
        return false;
    }
    let mut any = false;
    while let Ok(Some(Ok(message))) = timeout(SILENCE_MAX, socket.next()).await {
        if message.is_text() && message.to_text().is_ok_and(|text| text.contains("eth_subscription")) {
            any = true;
            heard.notify_one();
        }
    }
    any
}
