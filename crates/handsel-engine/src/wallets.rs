//! Wallets: a merchant's destinations. Whatever could spend is refused with `private_key_refused` and never echoed.

use crate::check::{self, did_you_mean, invalid};
use crate::derivation::xpub_place;
use crate::render::read_answer;
use crate::shell::{Decision, Happening};
use crate::{Answer, Ask, Code, Engine, ListAsk, Refusal};
use handsel_core::chain::{Address, Kind as ChainKind, Network};
use handsel_core::change::{Change, Write};
use handsel_core::eth_signature::recover_personal;
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::{AccountId, WalletId};
use handsel_core::limits;
use handsel_core::port::TestWorld;
use handsel_core::private_key::looks_private;
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;
use handsel_core::wallet::decide::{Command, Refused, Step};
use handsel_core::wallet::{Destination, State, Wallet};
use handsel_core::xpub::{Xpub, XpubError};
use handsel_store::reader::ListQuery;
use handsel_view::types::answers as shapes;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a challenge may be signed.
const CHALLENGE_VALID_SECONDS: u64 = 7 * 86_400;
/// How long a further wallet of a live account waits before it serves.
const CHANGE_WAIT_SECONDS: u64 = 86_400;
/// Networks or assets of one wallet.
const LIST_MAX_ENTRIES: usize = 50;

/// What is asked of a new wallet on chains; the texts are as given.
#[derive(Debug, Clone)]
pub struct NewWallet {
    /// On which kind of chain it is.
    pub kind: ChainKind,
    /// `static` or `xpub`.
    pub mode: String,
    pub networks: Vec<String>,
    pub assets: Vec<String>,
    pub address: Option<String>,
    pub xpub: Option<String>,
    pub metadata: Vec<(String, String)>,
}

/// A destination as asked, in the clear.
enum Asked {
    Static(Address),
    Xpub(Box<Xpub>, Address),
}

impl Engine {
    pub async fn create_wallet(&self, ask: &Ask, new: NewWallet) -> Result<Answer, Refusal> {
        self.make_wallet(ask, &new).await.map(|(answer, _)| answer)
    }

    pub(crate) async fn make_wallet(&self, ask: &Ask, new: &NewWallet) -> Result<(Answer, Option<String>), Refusal> {
        nothing_private(new)?;
        self.performed(ask, |now| async move {
            let asked = self.asked_destination(new)?;
            self.serves_configured(new)?;
            check::metadata("/metadata", &new.metadata)?;
            let account = ask.grant.account();
            self.not_there_yet(account, new.kind, &asked).await?;
            let key = self.data_key(account).await?;
            let wallet = self.new_wallet(&key, account, new, &asked, now);
            let request = Some(ask.grant.request());
            let mut kinds = vec![Kind::WalletAdded];
            if matches!(wallet.state, State::Active { .. }) {
                kinds.push(Kind::WalletActivated);
            }
            let events = self.wallet_events(&key, &kinds, &wallet, None, (request, now));
            Ok(Decision {
                action: "wallet.create",
                object: wallet.id.to_string(),
                status: 201,
                body: handsel_view::json(&handsel_view::wallet(self.scene(), &wallet)),
                version: Some(wallet.version),
                change: Change { writes: vec![Write::InsertWallet(wallet)], events, ..Change::default() },
            })
        })
        .await
    }

    pub async fn wallet(&self, ask: &Ask, id: WalletId) -> Result<Answer, Refusal> {
        let wallet = self.found_wallet(ask, id).await?;
        let body = handsel_view::json(&handsel_view::wallet(self.scene(), &wallet));
        Ok(read_answer(body, Some(wallet.version)))
    }

    pub async fn wallets(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let page = self.inner.reader.wallets(ask.grant.account(), &ask.query).await?;
        let key = self.data_key(ask.grant.account()).await?;
        let mut data = Vec::with_capacity(page.data.len());
        for wallet in &page.data {
            self.genuine(&key, wallet)?;
            data.push(handsel_view::wallet(self.scene(), wallet));
        }
        let list = shapes::WalletList::new(ask.path, data, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    /// The challenge signed by the wallet's own address (xpub: child 0), as `personal_sign` (Tron: `signMessageV2`) gives it.
    pub async fn prove_wallet(&self, ask: &Ask, id: WalletId, signature: &str) -> Result<Answer, Refusal> {
        self.proved(ask, id, |wallet, now| signed_by_owner(wallet, signature, now)).await
    }

    /// The same without a signature, for `test/events/trigger`: nobody holds the key of a wallet that the sandbox made up, and
    /// this program can't sign. The world is there to show that this is a sandbox.
    pub(crate) async fn prove_made_up_wallet(
        &self,
        ask: &Ask,
        id: WalletId,
        _sandbox: &dyn TestWorld,
    ) -> Result<Answer, Refusal> {
        self.proved(ask, id, |_, _| Ok(())).await
    }

    async fn proved(
        &self,
        ask: &Ask,
        id: WalletId,
        check: impl Fn(&Wallet, Timestamp) -> Result<(), Refusal>,
    ) -> Result<Answer, Refusal> {
        let check = &check;
        self.perform(ask, |now| async move {
            let before = self.found_wallet(ask, id).await?;
            ask.expect_version(before.version)?;
            self.nobody_else_derives(&before).await?;
            let active_from = self.served_from(before.account, now).await?;
            let Step { wallet: mut after, events: kinds } =
                before.clone().apply(Command::Proved { active_from }, now).map_err(refused)?;
            check(&before, now)?;
            let key = self.data_key(before.account).await?;
            after.mac = self.mac_of(&key, &after)?;
            let request = Some(ask.grant.request());
            let events = self.wallet_events(&key, &kinds, &after, Some(&before), (request, now));
            Ok(self.wallet_decision("wallet.prove", after, events))
        })
        .await
    }

    pub async fn retire_wallet(&self, ask: &Ask, id: WalletId) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let before = self.found_wallet(ask, id).await?;
            ask.expect_version(before.version)?;
            let Step { wallet: after, events: kinds } =
                before.clone().apply(Command::Retire { until: now }, now).map_err(refused)?;
            let key = self.data_key(before.account).await?;
            let request = Some(ask.grant.request());
            let events = self.wallet_events(&key, &kinds, &after, Some(&before), (request, now));
            Ok(self.wallet_decision("wallet.retire", after, events))
        })
        .await
    }

    /// From when a wallet that is proved now serves: at once where it is the account's first, after a wait where it would
    /// take over from another one (06 1.7: a change of a live wallet is slow).
    async fn served_from(&self, account: AccountId, now: Timestamp) -> Result<Timestamp, Refusal> {
        if !self.inner.settings.live {
            return Ok(now);
        }
        let wallets = self.inner.reader.usable_wallets(account).await?;
        let replaces = wallets.iter().any(|wallet| wallet.state.serves(now));
        Ok(if replaces { now.plus(Duration::from_secs(CHANGE_WAIT_SECONDS)) } else { now })
    }

    /// Two accounts that derive from one xpub would give out the same addresses: what is paid to one would complete the other's
    /// checkout. In the sandbox nobody is paid, and a wallet needs no proof.
    async fn nobody_else_derives(&self, wallet: &Wallet) -> Result<(), Refusal> {
        let Destination::Xpub { proof_address: own, .. } = &wallet.destination else { return Ok(()) };
        if !self.inner.settings.live {
            return Ok(());
        }
        let others = self.inner.reader.wallets_deriving_elsewhere(wallet.account).await?;
        let same = |other: &Wallet| {
            other.proved_at.is_some()
                && matches!(&other.destination, Destination::Xpub { proof_address, .. } if proof_address == own)
        };
        if others.iter().any(same) {
            let detail = "another account of this server derives its addresses from this xpub";
            return Err(
                Refusal::new(Code::StateConflict, detail).hint("export the xpub of another account of your wallet")
            );
        }
        Ok(())
    }

    fn wallet_decision(&self, action: &'static str, wallet: Wallet, events: Vec<NewEvent>) -> Decision {
        Decision {
            action,
            object: wallet.id.to_string(),
            status: 200,
            body: handsel_view::json(&handsel_view::wallet(self.scene(), &wallet)),
            version: Some(wallet.version),
            change: Change { writes: vec![Write::UpdateWallet(wallet)], events, ..Change::default() },
        }
    }

    async fn found_wallet(&self, ask: &Ask, id: WalletId) -> Result<Wallet, Refusal> {
        let found = self.inner.reader.wallet(ask.grant.account(), id).await?;
        let wallet = found.ok_or_else(|| Refusal::missing("wallet"))?;
        let key = self.data_key(wallet.account).await?;
        self.genuine(&key, &wallet)?;
        Ok(wallet)
    }

    fn genuine(&self, key: &DataKey, wallet: &Wallet) -> Result<(), Refusal> {
        let xpub = self.opened_xpub(key, wallet)?;
        self.genuine_wallet(wallet, xpub.as_deref())
    }

    fn mac_of(&self, key: &DataKey, wallet: &Wallet) -> Result<[u8; 32], Refusal> {
        let xpub = self.opened_xpub(key, wallet)?;
        Ok(self.wallet_mac(wallet, xpub.as_deref()))
    }

    fn opened_xpub(&self, key: &DataKey, wallet: &Wallet) -> Result<Option<String>, Refusal> {
        let Destination::Xpub { xpub, .. } = &wallet.destination else { return Ok(None) };
        let row = wallet.id.to_string();
        let text = key.open(xpub_place(&row), xpub).ok().and_then(|plain| String::from_utf8(plain).ok());
        text.map(Some).ok_or_else(|| self.forged(wallet.account, row))
    }

    fn new_wallet(&self, key: &DataKey, account: AccountId, new: &NewWallet, asked: &Asked, now: Timestamp) -> Wallet {
        let id = WalletId::new(now, &*self.inner.entropy);
        let destination = match asked {
            Asked::Static(address) => Destination::Static { address: *address },
            Asked::Xpub(xpub, proof_address) => Destination::Xpub {
                xpub: key.seal(xpub_place(&id.to_string()), xpub.text().as_bytes(), &*self.inner.entropy),
                fingerprint: xpub.fingerprint(),
                proof_address: *proof_address,
            },
        };
        let state = if self.inner.settings.live { State::PendingProof } else { State::Active { from: now } };
        let mut wallet = Wallet {
            id,
            account,
            created: now,
            version: 1,
            kind: new.kind,
            destination,
            networks: new.networks.clone(),
            assets: new.assets.clone(),
            challenge: String::new(),
            proved_at: None,
            state,
            mac: [0; 32],
            metadata: new.metadata.clone(),
        };
        wallet.challenge = self.challenge(&wallet, asked);
        let text = match asked {
            Asked::Static(_) => None,
            Asked::Xpub(xpub, _) => Some(xpub.text()),
        };
        wallet.mac = self.wallet_mac(&wallet, text);
        wallet
    }

    /// What the wallet's owner is asked to sign (06 1.7). An xpub is named by its hash: the text may be shown around.
    fn challenge(&self, wallet: &Wallet, asked: &Asked) -> String {
        let mut nonce = [0u8; 16];
        self.inner.entropy.fill(&mut nonce);
        let url = &self.inner.settings.public_url;
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        let networks = if wallet.networks.is_empty() { "all".to_owned() } else { wallet.networks.join(", ") };
        let (mode, destination) = match asked {
            Asked::Static(address) => ("static", format!("Address: {}", wallet.kind.address_text(*address))),
            Asked::Xpub(xpub, _) => {
                ("xpub", format!("Xpub SHA-256: {}", hex::encode(Sha256::digest(xpub.text().as_bytes()))))
            }
        };
        let until = wallet.created.plus(Duration::from_secs(CHALLENGE_VALID_SECONDS)).seconds();
        format!(
            "{host} asks you to prove that this wallet is yours and may receive payments.\n\nAccount: {}\nWallet: {}\n\
             Mode: {mode}\nNetworks: {networks}\n{destination}\nNonce: {}\nValid until (Unix time): {until}",
            wallet.account,
            wallet.id,
            hex::encode(nonce),
        )
    }

    fn asked_destination(&self, new: &NewWallet) -> Result<Asked, Refusal> {
        let param = |member: &str| format!("/{}/{member}", new.kind.name());
        match new.mode.as_str() {
            "static" => {
                if new.xpub.is_some() {
                    return Err(invalid(&param("xpub"), "a static wallet has an address; for an xpub use mode xpub"));
                }
                let text = new
                    .address
                    .as_deref()
                    .ok_or_else(|| missing(&param("address"), "a static wallet needs an address"))?;
                Ok(Asked::Static(self.asked_address(new.kind, text)?))
            }
            "xpub" => {
                if new.address.is_some() {
                    let detail = "an xpub wallet has an xpub; for an address use mode static";
                    return Err(invalid(&param("address"), detail));
                }
                let text =
                    new.xpub.as_deref().ok_or_else(|| missing(&param("xpub"), "an xpub wallet needs an xpub"))?;
                let refused = |why: XpubError| match why {
                    XpubError::PrivateKey => private_key(&param("xpub")),
                    _ => Refusal::new(Code::AddressInvalid, why.to_string()).at(param("xpub")),
                };
                let xpub = Xpub::parse(text.trim()).map_err(refused)?;
                let proof = xpub.address(0).ok_or_else(|| refused(XpubError::Malformed))?;
                Ok(Asked::Xpub(Box::new(xpub), proof))
            }
            "pool" | "router" | "forwarder" => {
                Err(invalid("/mode", "wallets of this mode are not possible yet; use static or xpub"))
            }
            other => {
                let guess = did_you_mean(other, ["static", "xpub"]);
                Err(invalid("/mode", format!("the mode is static or xpub{guess}")))
            }
        }
    }

    fn asked_address(&self, kind: ChainKind, text: &str) -> Result<Address, Refusal> {
        let refuse =
            |detail: String| Refusal::new(Code::AddressInvalid, detail).at(format!("/{}/address", kind.name()));
        let address = kind.read_address(text).map_err(|why| refuse(why.to_string()))?;
        if address == Address::default() {
            return Err(refuse("nobody has the zero address".to_owned()));
        }
        if self.networks_of(kind).any(|network| network.token_at(address).is_some()) {
            return Err(refuse("this is a token's contract, not a wallet".to_owned()));
        }
        Ok(address)
    }

    fn networks_of(&self, kind: ChainKind) -> impl Iterator<Item = &Network> {
        self.inner.settings.networks.iter().filter(move |network| network.kind == kind)
    }

    /// Networks and assets must be configured; an asset on one of the wallet's networks at least.
    fn serves_configured(&self, new: &NewWallet) -> Result<(), Refusal> {
        for (root, list) in [("/networks", &new.networks), ("/assets", &new.assets)] {
            if list.len() > LIST_MAX_ENTRIES {
                return Err(invalid(root, format!("at most {LIST_MAX_ENTRIES} entries are possible")));
            }
            if let Some(at) = (1..list.len()).find(|at| list[..*at].contains(&list[*at])) {
                return Err(invalid(&format!("{root}/{at}"), "this entry is there already"));
            }
        }
        if self.networks_of(new.kind).next().is_none() {
            let detail = format!("this server watches no network of type {}", new.kind.name());
            return Err(invalid("/type", detail));
        }
        for (at, name) in new.networks.iter().enumerate() {
            let param = format!("/networks/{at}");
            self.known_network(&param, name)?;
            if !self.networks_of(new.kind).any(|network| network.name == *name) {
                let detail =
                    format!("a wallet of type {} can't be paid on {name}; add one of its type", new.kind.name());
                return Err(invalid(&param, detail));
            }
        }
        let chosen = self.networks_of(new.kind).filter(|n| new.networks.is_empty() || new.networks.contains(&n.name));
        let assets: Vec<&str> = chosen.flat_map(|n| n.tokens.iter().map(|t| t.asset.as_str())).collect();
        for (at, name) in new.assets.iter().enumerate() {
            if !assets.contains(&name.as_str()) {
                let guess = did_you_mean(name, assets.iter().copied());
                let detail = format!("no such asset is configured on the wallet's networks{guess}");
                return Err(invalid(&format!("/assets/{at}"), detail));
            }
        }
        Ok(())
    }

    /// An xpub that ever served must not be added again: its addresses would be given out twice. An address may come back once
    /// its old wallet is retired.
    async fn not_there_yet(&self, account: AccountId, kind: ChainKind, asked: &Asked) -> Result<(), Refusal> {
        let live = self.inner.settings.live;
        let same = |wallet: &Wallet| match (asked, &wallet.destination) {
            (Asked::Static(new), Destination::Static { address }) => {
                kind == wallet.kind && new == address && !matches!(wallet.state, State::Retired { .. })
            }
            (Asked::Xpub(new, proof), Destination::Xpub { fingerprint, proof_address, .. }) => {
                let never_served = live && wallet.proved_at.is_none() && matches!(wallet.state, State::Retired { .. });
                !never_served && (*fingerprint == new.fingerprint() || proof_address == proof)
            }
            _ => false,
        };
        let mut query = ListQuery { limit: limits::LIST_LIMIT_MAX_ROWS, ..ListQuery::default() };
        loop {
            let page = self.inner.reader.wallets(account, &query).await?;
            if let Some(known) = page.data.iter().find(|wallet| same(wallet)) {
                return Err(Refusal::new(Code::StateConflict, format!("this is {} already", known.id)));
            }
            match page.data.last() {
                Some(last) if page.has_more => query.starting_after = Some(last.id.to_string()),
                _ => return Ok(()),
            }
        }
    }

    fn wallet_events(
        &self,
        key: &DataKey,
        kinds: &[Kind],
        after: &Wallet,
        before: Option<&Wallet>,
        (request, now): (Option<handsel_core::id::RequestId>, Timestamp),
    ) -> Vec<NewEvent> {
        let object = after.id.to_string();
        let shape = |wallet| handsel_view::wallet(self.scene(), wallet);
        let event = |kind: &Kind| {
            let happening = Happening {
                account: after.account,
                kind: *kind,
                object: &object,
                version: after.version,
                request,
                now,
                only_to: None,
            };
            let before = before.map(shape);
            self.event_of(key, happening, |facts| handsel_view::event_body(facts, &shape(after), before.as_ref()))
        };
        kinds.iter().map(event).collect()
    }
}

/// Whatever could spend is refused wherever it stands, before anything else is looked at, and never echoed.
fn nothing_private(new: &NewWallet) -> Result<(), Refusal> {
    let lists = [("/networks", &new.networks), ("/assets", &new.assets)];
    let listed = lists.into_iter().flat_map(|(param, list)| list.iter().map(move |text| (param, text)));
    let metadata = new.metadata.iter().flat_map(|(name, value)| [("/metadata", name), ("/metadata", value)]);
    let given = match new.kind {
        ChainKind::Evm => [("/evm/address", &new.address), ("/evm/xpub", &new.xpub)],
        ChainKind::Tron => [("/tron/address", &new.address), ("/tron/xpub", &new.xpub)],
    };
    let given = given.into_iter().filter_map(|(param, text)| Some((param, text.as_ref()?)));
    let mut all = given.chain([("/mode", &new.mode)]).chain(listed).chain(metadata);
    all.find(|(_, text)| looks_private(text)).map_or(Ok(()), |(param, _)| Err(private_key(param)))
}

fn signed_by_owner(wallet: &Wallet, signature: &str, now: Timestamp) -> Result<(), Refusal> {
    let invalid = |detail: String| Refusal::new(Code::SignatureInvalid, detail).at("/signature");
    if now > wallet.created.plus(Duration::from_secs(CHALLENGE_VALID_SECONDS)) {
        return Err(invalid("the challenge has expired; retire this wallet and add it again".to_owned()));
    }
    let signer = recover_personal(wallet.kind, &wallet.challenge, signature).map_err(|why| invalid(why.to_string()))?;
    if signer != proof_address(wallet) {
        let wanted = wallet.kind.address_text(proof_address(wallet));
        return Err(invalid(format!("the challenge must be signed by {wanted}, this is another wallet's signature")));
    }
    Ok(())
}

fn private_key(param: &str) -> Refusal {
    let detail = "this can spend; Handsel takes public keys and addresses only, and has not kept it";
    Refusal::new(Code::PrivateKeyRefused, detail)
        .at(param)
        .hint("treat it as exposed: move the funds to a new wallet, then give that wallet's xpub or address")
}

fn missing(param: &str, detail: &'static str) -> Refusal {
    Refusal::new(Code::ParameterMissing, detail).at(param)
}

const fn proof_address(wallet: &Wallet) -> Address {
    match &wallet.destination {
        Destination::Static { address } => *address,
        Destination::Xpub { proof_address, .. } => *proof_address,
    }
}

fn refused(why: Refused) -> Refusal {
    let allowed =
        if why.allowed.is_empty() { "nothing; add another wallet".to_owned() } else { why.allowed.join(", ") };
    Refusal::new(Code::StateConflict, format!("the wallet is {}; possible now: {allowed}", why.is))
}
