//! When what the server stands on breaks. PostgreSQL can be made to break on command: a trigger refuses with the very code that a
//! full disk or a lost race has.

use crate::harness::run;
use serde_json::json;

#[test]
fn a_database_that_is_gone_is_said_so() {
    run(async |s| {
        let checkout = s.checkout("5.00").await;
        s.store.writer.close().await;
        let body = json!({"amount": "5.00", "currency": "USD"});
        let refused = s.request("POST", "/v1/checkouts").idempotent("once").json(&body).send().await;
        refused.reviewed(503, "dependency_unavailable");
        assert_eq!(s.again(&checkout).await, checkout, "what can be read is read");
    });
}

#[cfg(feature = "postgres")]
mod on_command {
    use crate::harness::{Base, Reply, Server, field, run_on};
    use serde_json::json;

    /// Every new checkout is refused with this SQLSTATE.
    async fn refuse(s: &Server, code: &str) {
        let text = format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'innermost words' USING \
             ERRCODE = '{code}'; END $$; CREATE TRIGGER refuse BEFORE INSERT ON checkout FOR EACH ROW EXECUTE FUNCTION refuse()"
        );
        s.data.behind(&text).await;
    }

    async fn create(s: &Server) -> Reply {
        let body = json!({"amount": "5.00", "currency": "USD"});
        s.request("POST", "/v1/checkouts").idempotent("once").json(&body).send().await
    }

    /// Nothing is left of what was refused, and the same request passes once the cause is gone.
    async fn passes_afterwards(s: &Server) {
        assert_eq!(s.get("/v1/checkouts").await.ok()["data"], json!([]));
        s.data.behind("DROP TRIGGER refuse ON checkout").await;
        let made = create(s).await;
        made.ok();
        assert_eq!(made.header("idempotent-replayed"), None);
        let created = s.events().await.iter().filter(|event| event["type"] == "checkout.created").count();
        assert_eq!(created, 1);
    }

    #[test]
    fn a_full_disk_changes_nothing() {
        run_on(Base::Postgres, async |s| {
            refuse(s, "53100").await;
            let refused = create(s).await;
            refused.reviewed(507, "storage_full");
            assert!(!refused.text().contains("innermost"), "{}", refused.text());
            passes_afterwards(s).await;
        });
    }

    #[test]
    fn who_loses_every_race_may_come_again() {
        run_on(Base::Postgres, async |s| {
            refuse(s, "40001").await;
            create(s).await.reviewed(503, "overloaded");
            passes_afterwards(s).await;
        });
    }

    #[test]
    fn a_row_that_makes_no_sense_is_our_fault() {
        run_on(Base::Postgres, async |s| {
            let checkout = s.checkout("5.00").await;
            let id = field(&checkout, "id");
            s.data
                .behind("CREATE TABLE kept AS SELECT id, rest FROM checkout; UPDATE checkout SET rest = 'innermost'")
                .await;
            let refused = s.get(&format!("/v1/checkouts/{id}")).await;
            refused.reviewed(500, "internal");
            assert!(!refused.text().contains("innermost") && !refused.text().contains("rest"), "{}", refused.text());
            s.data.behind("UPDATE checkout SET rest = kept.rest FROM kept WHERE kept.id = checkout.id").await;
            assert_eq!(s.again(&checkout).await, checkout);
        });
    }
}
