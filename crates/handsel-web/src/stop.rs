//! The wish to stop, told once and heard everywhere.

use tokio::sync::watch;

/// Held by whoever decides that the server stops.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Heard by the accept loop, by `/readyz` and by live streams.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A pair of both.
pub fn stop_pair() -> (Stopper, Stop) {
    let (tell, hear) = watch::channel(false);
    (Stopper(tell), Stop(hear))
}

impl Stopper {
    /// From now on nothing new is begun.
    pub fn stop(&self) {
        let _ = self.0.send(true);
    }
}

impl Stop {
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }
    /// Ends once stopping was told, or nobody is left who could tell.
    pub async fn told(&self) {
        let mut hear = self.0.clone();
        let _ = hear.wait_for(|told| *told).await;
    }
}
