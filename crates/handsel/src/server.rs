//! A running server: the loops, the operator's socket and the listener, until it is told to stop.

use crate::config::{Config, Listen, Tls};
use crate::exit::Failure;
use crate::operator;
use crate::wire::House;
use handsel_engine::Doors;
use handsel_web::{App, Bounds, Listener, Options, Stop, Stopper, router, serve, stop_pair, tls_config};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const SECURITY_CONTACT: &str = "mailto:security@handsel.example";

/// A server that accepts connections. Dropping it stops nothing; [`Running::until_told`] and [`Running::stop`] do.
#[derive(Debug)]
pub struct Running {
    web: JoinHandle<()>,
    loops: JoinHandle<()>,
    operator: JoinHandle<()>,
    stopper: Stopper,
    stop_loops: watch::Sender<bool>,
    house: House,
    /// Where it really listens (a port of 0 was chosen by the system).
    pub base_url: String,
}

/// Binds first, so that a taken port is told before anything runs.
pub async fn bind(config: &Config) -> Result<(Listener, String), Failure> {
    match &config.listen {
        Listen::Tcp(address) => {
            let cannot =
                |error| Failure::failed(format!("listen: {address}: {error}; choose another port or stop what has it"));
            let listener = TcpListener::bind(address).await.map_err(cannot)?;
            let bound = listener.local_addr().map_err(Failure::failed)?;
            match &config.tls {
                None => Ok((Listener::Plain(listener), format!("http://{bound}"))),
                Some(tls) => Ok((Listener::Tls(listener, certificates(tls)?), format!("https://{bound}"))),
            }
        }
        Listen::Unix(path) => {
            let _ = std::fs::remove_file(path);
            let cannot = |error| Failure::failed(format!("listen: {}: {error}", path.display()));
            Ok((Listener::Unix(UnixListener::bind(path).map_err(cannot)?), format!("unix:{}", path.display())))
        }
    }
}

fn certificates(tls: &Tls) -> Result<std::sync::Arc<rustls::ServerConfig>, Failure> {
    let bad = |what: &str, path: &Path, error: &pem::Error| {
        let why = match error {
            pem::Error::Io(error) => format!("can't be read: {}", error.kind()),
            _ => "holds no usable PEM".to_owned(),
        };
        Failure::usage(format!("tls.{what}: {} {why}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&tls.cert).map_err(|error| bad("cert", &tls.cert, &error))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|error| bad("cert", &tls.cert, &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| bad("key", &tls.key, &error))?;
    tls_config(chain, key).map_err(|_| Failure::usage("tls.cert, tls.key: certificate and key don't fit each other"))
}

/// Starts everything on a bound listener.
pub fn start(
    config: &Config,
    data: &Path,
    house: House,
    listener: Listener,
    base_url: String,
) -> Result<Running, Failure> {
    let proxies = config.trusted_proxies.iter().map(|text| text.parse());
    let trusted_proxies = proxies.collect::<Result<Vec<_>, _>>();
    let trusted_proxies =
        trusted_proxies.map_err(|_| Failure::usage("trusted_proxies: must be CIDRs such as 10.0.0.0/8"))?;
    let (stopper, stop): (Stopper, Stop) = stop_pair();
    let (stop_loops, loops_stop) = watch::channel(false);
    let operator = operator::listen(data, house.engine.clone())?;
    let doors = Doors { networks: house.chains.clone(), sender: house.sender.clone(), rates: house.rates.clone() };
    let loops = tokio::spawn(house.engine.clone().run(doors, loops_stop));
    let options = Options { trusted_proxies, security_contact: SECURITY_CONTACT.to_owned() };
    let app = App::new(house.engine.clone(), house.entropy.clone(), options, stop.clone());
    let web = tokio::spawn(async move { serve(listener, router(app), stop, Bounds::default()).await });
    Ok(Running { web, loops, operator, stopper, stop_loops, house, base_url })
}

impl Running {
    /// Runs until SIGTERM or SIGINT, then ends in order.
    pub async fn until_told(mut self) -> Result<(), Failure> {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
        tokio::select! {
            _ = terminate.recv() => {}
            result = tokio::signal::ctrl_c() => result.map_err(Failure::failed)?,
            _ = &mut self.loops => {
                return Err(Failure::failed("a loop of the server broke; see the log above, and start the server again"));
            }
        }
        self.stop().await;
        Ok(())
    }

    /// Nothing new is accepted, what is under way finishes, the loops end, and the store is closed last.
    pub async fn stop(self) {
        self.stopper.stop();
        let _ = self.web.await;
        let _ = self.stop_loops.send(true);
        let _ = self.loops.await;
        self.operator.abort();
        self.house.store.writer.close().await;
    }
}
