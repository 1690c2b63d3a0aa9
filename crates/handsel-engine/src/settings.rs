//! What the operator decided, as the engine needs it: checked at start, never changed while running.

use handsel_core::account::Region;
use handsel_core::chain::Network;
use handsel_core::rate::PegPolicy;
use handsel_core::secret::SecretBytes;

#[derive(Debug)]
pub struct Settings {
    pub live: bool,
    pub region: Region,
    /// Scheme and host that hosted pages are reached at, without a slash at the end.
    pub public_url: String,
    pub networks: Vec<Network>,
    /// What new checkouts do with an asset that is off its peg.
    pub peg_policy: PegPolicy,
    /// The key-encryption key; everything sealed or MACed hangs on keys derived from it.
    pub encryption_key: SecretBytes<32>,
    pub allow_http_webhooks: bool,
    /// The operator's CIDRs that webhooks may reach although they are private.
    pub allowed_cidrs: Vec<String>,
    /// Ports besides 443 and 8443 that webhooks may use.
    pub extra_ports: Vec<u16>,
    pub reads_per_second: u32,
    pub writes_per_second: u32,
}
