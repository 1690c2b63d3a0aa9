//! How a network stands, as events tell it.

use crate::Scene;
use handsel_core::chain::Network;
use handsel_core::chain::standing::Standing;
use handsel_types::answers as t;

pub fn network_standing(scene: Scene<'_>, network: &Network, standing: &Standing) -> t::NetworkStanding {
    t::NetworkStanding {
        id: network.name.clone(),
        object: "network".to_owned(),
        livemode: scene.livemode,
        version: standing.version,
        network: network.name.clone(),
        caip2: network.caip2(),
        chain_id: network.chain_id,
        status: if standing.reason.is_some() { "degraded" } else { "operational" }.to_owned(),
        reason: standing.reason.map(|reason| reason.name().to_owned()),
        since: standing.since.seconds(),
    }
}
