#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const FROM: &str = "0x000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const TO: &str = "0x00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8";
const VALUE: &str = "0x00000000000000000000000000000000000000000000000000000000000f4240";
const BLOCK: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
const TX: &str = "0x2222222222222222222222222222222222222222222222222222222222222222";

fn log(topics: &[&str], data: &str) -> String {
    let topics: Vec<String> = topics.iter().map(|topic| format!("{topic:?}")).collect();
    format!(
        r#"{{"address":"0x5FbDB2315678afecb367f032d93F642f64180aa3","topics":[{}],"data":"{data}","blockHash":"{BLOCK}","blockNumber":"0x10","blockTimestamp":"0x1","transactionHash":"{TX}","transactionIndex":"0x0","logIndex":"0x5","removed":false}}"#,
        topics.join(",")
    )
}

fn read(logs: &[String]) -> Result<Vec<LoggedTransfer>, serde_json::Error> {
    serde_json::from_str::<TransferLogs>(&format!("[{}]", logs.join(","))).map(|logs| logs.0)
}

#[test]
fn a_transfer_is_read_field_by_field() {
    let found = read(&[log(&[TRANSFER_TOPIC, FROM, TO], VALUE)]).unwrap();
    let mut value = [0_u8; 32];
    value[29..].copy_from_slice(&[0x0f, 0x42, 0x40]);
    let expected = LoggedTransfer {
        block: BlockHash([0x11; 32]),
        number: 16,
        tx: TxHash([0x22; 32]),
        log_index: 5,
        token: Address::parse("0x5fbdb2315678afecb367f032d93f642f64180aa3").unwrap(),
        from: Address::parse("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266").unwrap(),
        to: Address::parse("0x70997970c51812dc3a010c7d01b50e0d17dc79c8").unwrap(),
        value,
        removed: false,
    };
    assert_eq!(found, vec![expected]);
}

#[test]
fn what_is_no_transfer_is_passed_over_and_the_rest_still_read() {
    let other_event = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925";
    let no_address = "0x010000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266";
    let others = [
        log(&[], "0x"),
        log(&[other_event, FROM, TO], VALUE),
        log(&[TRANSFER_TOPIC], "0x"),
        log(&[TRANSFER_TOPIC, FROM], VALUE),
        log(&[TRANSFER_TOPIC, FROM, TO, VALUE], "0x"),
        log(&[TRANSFER_TOPIC, FROM, TO], "0x"),
        log(&[TRANSFER_TOPIC, FROM, TO], &format!("{VALUE}00")),
        log(&[TRANSFER_TOPIC, no_address, TO], VALUE),
    ];
    for other in &others {
        let found = read(&[other.clone(), log(&[TRANSFER_TOPIC, FROM, TO], VALUE), other.clone()]).unwrap();
        assert_eq!(found.len(), 1, "{other}");
    }
}

#[test]
fn the_order_of_fields_does_not_matter() {
    let turned = format!(
        r#"{{"removed":true,"logIndex":"0x0","transactionHash":"{TX}","blockNumber":"0x10","blockHash":"{BLOCK}","data":"{VALUE}","topics":["{}","{FROM}","{TO}"],"address":"0x5fbdb2315678afecb367f032d93f642f64180aa3"}}"#,
        TRANSFER_TOPIC.to_uppercase().replace("0X", "0x")
    );
    let found = read(&[turned]).unwrap();
    assert!(found[0].removed && found[0].log_index == 0);
}

#[test]
fn a_transfer_with_a_broken_or_missing_field_is_an_error_and_not_a_silence() {
    let good = log(&[TRANSFER_TOPIC, FROM, TO], VALUE);
    let broken = [
        good.replace(r#""blockNumber":"0x10""#, r#""blockNumber":16"#),
        good.replace(r#""blockNumber":"0x10""#, r#""blockNumber":"16""#),
        good.replace(r#""blockNumber":"0x10""#, r#""blockNumber":null"#),
        good.replace(r#","logIndex":"0x5""#, ""),
        good.replace(BLOCK, "0x11"),
        good.replace(TX, &TX.replace('2', "g")),
        good.replace(VALUE, &VALUE.replace("f4240", "f424x")),
        good.replace(TO, "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"),
        good.replace(r#""removed":false"#, r#""removed":"no""#),
        good.replace(r#""topics":["#, r#""topics":[5,"#),
        good.replace(r#""address":"0x5FbDB2315678afecb367f032d93F642f64180aa3","#, ""),
        r#"{"address":"0x5FbDB2315678afecb367f032d93F642f64180aa3","data":"0x"}"#.to_owned(),
        "5".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
    ];
    for text in broken {
        assert!(read(core::slice::from_ref(&text)).is_err(), "{text}");
    }
}

#[test]
fn headers_of_ethereum_and_of_tron_are_read() {
    let tron = format!(
        r#"{{"baseFeePerGas":"0x0","difficulty":"0x0","extraData":"0x","gasLimit":"0x0","gasUsed":"0x0","hash":"{BLOCK}","logsBloom":"0x00","miner":"0x0000000000000000000000000000000000000000","mixHash":"0x00","nonce":"0x0000000000000000","number":"0x3a3fe7d","parentHash":"{TX}","receiptsRoot":"0x00","sha3Uncles":"0x00","size":"0x1","stateRoot":"0x","timestamp":"0x67000000","totalDifficulty":"0x0","transactions":[],"transactionsRoot":"0x00","uncles":[]}}"#
    );
    let header = serde_json::from_str::<WireHeader>(&tron).unwrap().header();
    assert_eq!((header.number, header.time_seconds), (0x03a3_fe7d, 0x6700_0000));
    assert_eq!((header.hash, header.parent), (BlockHash([0x11; 32]), BlockHash([0x22; 32])));
    for (from, to) in [
        (r#""number":"0x3a3fe7d""#, r#""number":61079165"#),
        (r#""number":"0x3a3fe7d""#, r#""number":null"#),
        (r#""number":"0x3a3fe7d""#, r#""number":"0x""#),
        (r#""timestamp":"0x67000000""#, r#""timestamp":"0x1ffffffffffffffff""#),
        (r#""timestamp":"0x67000000","#, ""),
        (BLOCK, "0x1111"),
    ] {
        assert!(tron.contains(from));
        assert!(serde_json::from_str::<WireHeader>(&tron.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn receipts_of_failed_transactions_bring_nothing() {
    let transfer = log(&[TRANSFER_TOPIC, FROM, TO], VALUE);
    let receipt = |status: &str| format!(r#"{{{status}"logs":[{transfer}],"logsBloom":"0x00"}}"#);
    let text = format!("[{},{},{}]", receipt(r#""status":"0x1","#), receipt(r#""status":"0x0","#), receipt(""));
    assert_eq!(serde_json::from_str::<ReceiptTransfers>(&text).unwrap().0.len(), 2);
    assert!(serde_json::from_str::<ReceiptTransfers>(r#"[{"status":"0x1"}]"#).is_err());
}

/// A recorded answer of anvil, cut at every place and with every byte changed: values or errors, and never more transfers than before.
#[test]
fn no_damage_brings_a_panic_or_a_transfer_that_was_not_there() {
    let answer = include_str!("../../tests/recorded/anvil_logs.json").trim();
    let logs = &answer.as_bytes()[answer.find('[').unwrap()..answer.rfind(']').unwrap() + 1];
    let whole = serde_json::from_slice::<TransferLogs>(logs).unwrap();
    assert_eq!(whole.0.len(), 2);
    for at in 0..logs.len() {
        assert!(serde_json::from_slice::<TransferLogs>(&logs[..at]).is_err(), "{at}");
        for byte in [0_u8, b'"', b'0', b'g', b',', b'[', b'}', b'\\', 0xff] {
            let mut damaged = logs.to_vec();
            damaged[at] = byte;
            if let Ok(found) = serde_json::from_slice::<TransferLogs>(&damaged) {
                assert!(found.0.len() <= 2, "{at} {byte}");
            }
        }
    }
}
