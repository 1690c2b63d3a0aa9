//! Where the world begins: TLS, what may listen, and what is kept of those who never got in.

mod refused;
mod tls;
