//! A checkout's members that are sealed at rest (06 1.8).

use serde::{Deserialize, Serialize};

/// Customer, reference, URLs, line items and metadata, in the clear: only between opening and sealing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    pub customer: Option<String>,
    pub reference: Option<String>,
    pub success_url: Option<String>,
    pub cancel_url: Option<String>,
    pub line_items: Vec<PrivateItem>,
    pub metadata: Vec<(String, String)>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateItem {
    pub name: String,
    pub quantity: u64,
    pub amount: Option<String>,
}

impl Private {
    pub fn encode(&self) -> Vec<u8> {
        crate::json(self)
    }
    /// `None` where the bytes are not what [`Private::encode`] made.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl std::fmt::Debug for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Private")
    }
}
impl std::fmt::Debug for PrivateItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateItem")
    }
}
