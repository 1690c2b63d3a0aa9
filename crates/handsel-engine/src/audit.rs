//! The audit log as its owner may see it, with proofs that a stranger can check. Reads what the store keeps; hashing and proofs
//! are core's.

use crate::check::invalid;
use crate::render::read_answer;
use crate::{Answer, Ask, Code, Engine, ListAsk, Refusal};
use handsel_core::actor::Grant;
use handsel_core::audit::merkle::{self, Frontier, Hash, NodeId, Plan};
use handsel_core::audit::note::{self, Checkpoint};
use handsel_core::id::AuditId;
use handsel_core::signature;
use handsel_store::reader::PlacedEntry;
use handsel_view::types::answers as shapes;
use std::collections::HashMap;

impl Engine {
    pub async fn audit_entries(&self, ask: &ListAsk) -> Result<Answer, Refusal> {
        let page = self.inner.reader.audit_entries(ask.grant.account(), &ask.query).await?;
        let entries = page.data.iter().map(|placed| self.audit_shape(placed)).collect();
        let list = shapes::AuditEntryList::new(ask.path, entries, page.has_more);
        Ok(read_answer(handsel_view::json(&list), None))
    }

    pub async fn audit_entry(&self, ask: &Ask, id: AuditId) -> Result<Answer, Refusal> {
        let placed = self.placed_entry(&ask.grant, id).await?;
        Ok(read_answer(handsel_view::json(&self.audit_shape(&placed)), None))
    }

    pub async fn audit_checkpoint(&self, _grant: &Grant) -> Result<Answer, Refusal> {
        let size = self.inner.reader.audit_head().await?.size;
        let root = self.audit_root(size).await?;
        let origin = self.audit_origin();
        let checkpoint = Checkpoint { origin: origin.clone(), size, root };
        let signed = checkpoint.sign(&note::signing_key(&self.inner.keys.vault.derive("audit/checkpoint")));
        Ok(read_answer(handsel_view::json(&handsel_view::checkpoint(&origin, size, &root, signed)), None))
    }

    pub async fn audit_inclusion(&self, grant: &Grant, entry: AuditId, size: Option<u64>) -> Result<Answer, Refusal> {
        let placed = self.placed_entry(grant, entry).await?;
        let Some(index) = placed.index else {
            let refusal =
                Refusal::new(Code::StateConflict, "this entry has no place in the tree yet; ask again in a second");
            return Err(Refusal { retry_after_seconds: Some(1), ..refusal });
        };
        let size = self.audit_size("size", size).await?;
        let Some(plan) = merkle::inclusion_nodes(index, size) else {
            return Err(invalid(
                "size",
                format!("a tree of this size does not hold the entry; give more than {index}"),
            ));
        };
        let hashes = self.proof(&plan).await?;
        let leaf = merkle::leaf_hash(&placed.bytes);
        Ok(read_answer(handsel_view::json(&handsel_view::inclusion(index, size, &leaf, &hashes)), None))
    }

    pub async fn audit_consistency(&self, _grant: &Grant, from: u64, to: Option<u64>) -> Result<Answer, Refusal> {
        let to = self.audit_size("to", to).await?;
        let Some(plan) = merkle::consistency_nodes(from, to) else {
            return Err(invalid("from", format!("from must not be above to ({to})")));
        };
        let hashes = self.proof(&plan).await?;
        Ok(read_answer(handsel_view::json(&handsel_view::consistency(from, to, &hashes)), None))
    }

    async fn placed_entry(&self, grant: &Grant, id: AuditId) -> Result<PlacedEntry, Refusal> {
        let found = self.inner.reader.audit_entry(grant.account(), id).await?;
        found.ok_or_else(|| Refusal::missing(AuditId::NOUN))
    }

    fn audit_shape(&self, placed: &PlacedEntry) -> shapes::AuditEntry {
        let PlacedEntry { entry, bytes, index } = placed;
        handsel_view::audit_entry(self.scene(), entry.id, &entry.leaf, bytes, *index)
    }

    /// The asked-for size where the tree is that large; its present size by default.
    async fn audit_size(&self, param: &str, asked: Option<u64>) -> Result<u64, Refusal> {
        let size = self.inner.reader.audit_head().await?.size;
        match asked {
            Some(asked) if asked > size => Err(invalid(param, format!("the tree has {size} entries so far"))),
            Some(asked) => Ok(asked),
            None => Ok(size),
        }
    }

    async fn audit_root(&self, size: u64) -> Result<Hash, Refusal> {
        let mut peaks = Vec::new();
        for id in Frontier::node_ids(size) {
            peaks.push(self.node(id).await?);
        }
        Frontier::load(size, peaks).map(|frontier| frontier.root()).ok_or_else(Refusal::internal)
    }

    async fn proof(&self, plan: &Plan) -> Result<Vec<Hash>, Refusal> {
        let mut nodes: HashMap<NodeId, Hash> = HashMap::new();
        for id in plan.nodes() {
            nodes.insert(id, self.node(id).await?);
        }
        plan.hashes(|id| nodes.get(&id).copied()).ok_or_else(Refusal::internal)
    }

    async fn node(&self, id: NodeId) -> Result<Hash, Refusal> {
        let found = self.inner.reader.audit_node(id.level, id.index).await?;
        found.ok_or_else(|| {
            tracing::error!(level = id.level, index = id.index, "the audit tree lacks a node that it must have");
            Refusal::internal()
        })
    }

    /// The log's name: the host that the server is reached at, then `/audit`.
    pub fn audit_origin(&self) -> String {
        let url = &self.inner.settings.public_url;
        let host = url.split("://").nth(1).unwrap_or(url);
        let host: String = host.chars().filter(|c| !c.is_whitespace() && *c != '+').collect();
        format!("{}/audit", host.trim_end_matches('/'))
    }

    /// The public keys that check what this server signs, by name: the checkpoints of the audit log and the heads of event lists.
    pub fn public_keys(&self) -> [(&'static str, [u8; 32]); 2] {
        let public = |purpose| signature::ed25519_public(&self.inner.keys.vault.derive(purpose));
        [("audit-checkpoint", public("audit/checkpoint")), ("event-head", public("event heads"))]
    }

    /// The public key that checks checkpoints, in the form that C2SP's clients take.
    pub fn audit_verifier(&self) -> String {
        let key = note::signing_key(&self.inner.keys.vault.derive("audit/checkpoint"));
        note::verifier_text(&self.audit_origin(), &key.verifying_key())
    }
}
