//! A webhook's receiver that takes everything at once: reads each request and answers 200, one thread per connection.

use crate::report::Failure;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// A listening receiver; it ends with the process.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<AtomicU64>,
}

impl Receiver {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let received = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&received);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                // A connection that breaks off is the sender's business.
                std::thread::spawn(move || answer_all(connection, &count));
            }
        });
        Ok(Self { url, received })
    }

    /// Requests so far.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

fn answer_all(connection: TcpStream, received: &AtomicU64) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut writer = connection;
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        received.fetch_add(1, Ordering::Relaxed);
        writer.write_all(ANSWER)?;
    }
}
