//! `verify-webhook` and `sign-webhook`: for receivers under construction.

use super::read_secret;
use crate::exit::{Code, Failure, Outcome, print};
use crate::system::SystemClock;
use clap::Args;
use handsel_core::port::Clock;
use handsel_core::signature;
use std::io::Read;
use std::path::PathBuf;

const BODY_MAX_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct Verify {
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// The value of Handsel-Signature as it was received.
    #[arg(long)]
    header: String,
    /// The time to judge by; now without it.
    #[arg(long, value_name = "UNIX")]
    at: Option<i64>,
    /// Seconds that the signature may be old or ahead.
    #[arg(long, default_value_t = 300)]
    tolerance: u64,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Sign {
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    #[arg(long, value_name = "UNIX")]
    at: Option<i64>,
    /// The event's id, for webhook-id.
    #[arg(long, default_value = "evt_test")]
    id: String,
    #[arg(long)]
    json: bool,
}

/// The body comes on stdin, raw.
pub fn verify(verify: &Verify) -> Outcome {
    let secret = read_secret(&verify.secret_file)?;
    let at = verify.at.unwrap_or_else(|| SystemClock.wall().seconds());
    let verdict = signature::verify(&secret, &verify.header, &stdin()?, at, verify.tolerance);
    if verify.json {
        let reason = verdict.as_ref().err().map(ToString::to_string);
        print(serde_json::json!({"valid": verdict.is_ok(), "reason": reason}));
    }
    match verdict {
        Ok(()) if verify.json => Ok(()),
        Ok(()) => {
            print("valid");
            Ok(())
        }
        Err(refused) => Err(Failure::new(Code::CheckFailed, refused.to_string())),
    }
}

/// Prints the headers that a delivery of this body would carry.
pub fn sign(sign: &Sign) -> Outcome {
    let secrets = [read_secret(&sign.secret_file)?];
    if signature::secret_bytes(secrets[0].expose()).is_none() {
        return Err(Failure::usage("the file holds no signing secret: whsec_ and base64 of 32 bytes"));
    }
    let body = stdin()?;
    let at = sign.at.unwrap_or_else(|| SystemClock.wall().seconds());
    let headers = [
        ("Handsel-Signature", signature::handsel(&secrets, at, &body)),
        ("webhook-id", sign.id.clone()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature::standard(&secrets, &sign.id, at, &body)),
    ];
    if sign.json {
        print(serde_json::Value::from_iter(headers));
    } else {
        for (name, value) in headers {
            print(format_args!("{name}: {value}"));
        }
    }
    Ok(())
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = std::io::stdin().lock().take(BODY_MAX_BYTES).read_to_end(&mut body);
    read.map_err(|error| Failure::failed(format!("the body can't be read from stdin: {}", error.kind())))?;
    Ok(body)
}
