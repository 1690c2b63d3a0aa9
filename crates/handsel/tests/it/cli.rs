//! The binary's verbs, as a shell calls them: what stands on stdout, and the exit codes.

use crate::harness::{Http, Server, directory, field, listed, run, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The binary, with nothing of the test's own environment that it would read.
fn handsel(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handsel"));
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("HANDSEL_"));
    ours.for_each(|name| {
        command.env_remove(name);
    });
    command.args(arguments);
    command
}

/// Runs a verb against the server with its key. Blocking, so off the runtime that serves it.
async fn verb(s: &Server, arguments: &[&str]) -> Output {
    let mut command = handsel(arguments);
    command.env("HANDSEL_API_KEY", &s.secret_key).env("HANDSEL_URL", format!("http://{}", s.address));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
fn line(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_verb_gives_its_data_as_one_line_of_json() {
    run(async |s| {
        assert!(line(&verb(s, &["version", "--json"]).await)["version"].is_string());
        let url = format!("http://{}", s.address);
        // The server's options stand before the command, or after it.
        line(&verb(s, &["simulate", "--json", "--url", &url, "mine", "sandbox-evm", "1"]).await);
        let mined = line(&verb(s, &["simulate", "mine", "sandbox-evm", "1", "--url", &url, "--json"]).await);
        assert_eq!(mined["network"], "sandbox-evm");
        let made = line(&verb(s, &["keys", "create", "--name", "till", "--json"]).await);
        assert_eq!((&made["class"], made["secret"].is_string()), (&json!("secret"), true));
        let scoped = ["keys", "create", "--name", "till", "--scope", "checkouts:read", "--json"];
        assert_eq!(line(&verb(s, &scoped).await)["class"], "restricted");
        let missing = verb(s, &["get", "/v1/checkouts/chk_00000000000000000000000000"]).await;
        assert_eq!((missing.status.code(), missing.stdout.is_empty()), (Some(4), true));
        assert_eq!(verb(s, &["get", "/v1/account", "--url", "http://127.0.0.1:1"]).await.status.code(), Some(6));
        assert_eq!(verb(s, &["bogus"]).await.status.code(), Some(2));
    });
}

/// A `serve` process, ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(data: &Path) -> (Serving, String) {
    let mut command = handsel(&["serve", "--json", "--data"]);
    command.arg(data).env("HANDSEL_MODE", "sandbox").env("HANDSEL_LISTEN", "127.0.0.1:0");
    command.env("HANDSEL_ENCRYPTION_KEY", "07".repeat(32)).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    (Serving(child), field(&ready, "base_url"))
}

#[test]
fn a_sandbox_server_takes_a_payment_without_any_chain_in_its_configuration() {
    let data = directory();
    let (_serving, base_url) = serve(data.path());
    let mut create =
        handsel(&["accounts", "create", "--name", "Acorn", "--email", "o@acorn.example", "--json", "--data"]);
    let key = field(&line(&create.arg(data.path()).output().unwrap()), "secret_key");
    let http = Http { address: base_url.trim_start_matches("http://").parse().unwrap(), key: Some(key) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = json!({"address": "0x52908400098527886E0F7030069857D2E4169EE7"});
        http.post("/v1/wallets", json!({"type": "evm", "mode": "static", "evm": address})).await.ok();
        let checkout = http.post("/v1/checkouts", json!({"amount": "5.00", "currency": "USD"})).await.ok();
        assert!(field(&checkout, "url").starts_with(&base_url), "{checkout}");
        let id = field(&checkout, "id");
        http.post(&format!("/v1/test/checkouts/{id}/pay"), json!({})).await.ok();
        http.post("/v1/test/networks/sandbox-evm/finalize", json!({})).await.ok();
        until("the checkout is complete", async || {
            let done = http.get(&format!("/v1/checkouts/{id}")).await.ok();
            (done["status"] == "complete").then_some(())
        })
        .await;
        assert_eq!(listed(&http.get("/v1/payments").await).len(), 1);
    });
}
