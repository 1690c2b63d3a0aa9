//! One suite of stories for every engine: SQLite always, PostgreSQL where HANDSEL_TEST_PG names a server.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/rig.rs"]
mod rig;
#[path = "stories/mod.rs"]
mod stories;
#[path = "support/mod.rs"]
mod support;

macro_rules! stories {
    ($($group:ident { $($name:ident),* $(,)? })*) => {
        mod sqlite {$(
            mod $group {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::rig::tell(async {
                        let rig = crate::rig::Rig::sqlite().await;
                        crate::stories::$group::$name(&rig).await;
                        rig
                    }).await;
                }
            )*}
        )*}

        #[cfg(feature = "postgres")]
        mod postgres {$(
            mod $group {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let Some(server) = crate::rig::server() else { return };
                    crate::rig::tell(async move {
                        let rig = crate::rig::Rig::postgres(&server).await;
                        crate::stories::$group::$name(&rig).await;
                        rig
                    }).await;
                }
            )*}
        )*}
    };
}

stories! {
    round_trip {
        accounts, api_keys, wallets, wallets_elsewhere, checkouts, payments, webhooks, events, deliveries, audit, requests, answers, facts,
    }
    refusal { versions, half_a_change, doubles, idempotency, tag_leases, cursors, guards, deleted_webhooks }
    outbox { patterns, only_to, sequences_have_no_gap, lanes, leases, spoilt, requeue, disabled_webhooks }
    listing { both_ways, times_and_states, lookups, kinds, one_moment, after_sequence, narrow }
    quotes { kept, lock_ends }
    tree { indexes_and_nodes, watch_marks, wallet_marks, standings, decimals, headers, expiry, prune }
}
