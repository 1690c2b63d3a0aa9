//! What the world outside knows: the checkouts that were asked for and answered, and every transaction that was ever sent.

use handsel_core::chain::Address;
use handsel_core::checkout::Matching;
use handsel_core::id::CheckoutId;
use handsel_engine::checkouts::NewCheckout;
use handsel_sandbox::{Hash, Order};
use serde_json::Value;

/// One wish for a checkout, under one idempotency key.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) key: String,
    pub(crate) number: u64,
    pub(crate) new: NewCheckout,
    /// What was answered first.
    pub(crate) answered: Option<CheckoutId>,
    /// A client is asking right now.
    pub(crate) asking: bool,
}

/// One way to pay, as the answer showed it.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) network: String,
    pub(crate) token: Address,
    pub(crate) address: Address,
    pub(crate) payable: u128,
}

#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: CheckoutId,
    pub(crate) ways: Vec<Way>,
    pub(crate) is_static: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) net: usize,
    pub(crate) hash: Hash,
    pub(crate) order: Order,
}

#[derive(Debug, Default)]
pub(crate) struct Shop {
    pub(crate) wishes: Vec<Wish>,
    pub(crate) known: Vec<Known>,
    pub(crate) sent: Vec<Sent>,
}

impl Shop {
    /// A new wish; gives its place.
    pub(crate) fn wish(&mut self, new: NewCheckout) -> usize {
        let number = self.wishes.len() as u64;
        self.wishes.push(Wish { key: format!("order-{number}"), number, new, answered: None, asking: false });
        self.wishes.len() - 1
    }

    /// Wishes without an answer that nobody is asking for.
    pub(crate) fn open_wishes(&self) -> Vec<usize> {
        let open = self.wishes.iter().enumerate().filter(|(_, wish)| wish.answered.is_none() && !wish.asking);
        open.map(|(at, _)| at).collect()
    }

    /// After the end of a process nobody is asking any more.
    pub(crate) fn hang_up(&mut self) {
        self.wishes.iter_mut().for_each(|wish| wish.asking = false);
    }

    /// Takes an answer; a second one must be the same.
    pub(crate) fn answered(&mut self, at: usize, answer: &Value) -> Result<(), String> {
        let id = CheckoutId::parse(answer["id"].as_str().unwrap()).unwrap();
        let wish = &mut self.wishes[at];
        match wish.answered {
            Some(first) if first != id => return Err(format!("{} was answered with {first}, then {id}", wish.key)),
            Some(_) => return Ok(()),
            None => wish.answered = Some(id),
        }
        let is_static = wish.new.matching == Matching::Static;
        let ways = answer["payment_options"].as_array().unwrap().iter().map(way).collect();
        self.known.push(Known { id, ways, is_static });
        Ok(())
    }
}

fn way(option: &Value) -> Way {
    let text = |pointer: &str| {
        option.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {option}"))
    };
    Way {
        network: text("/evm/network").to_owned(),
        token: Address::parse(text("/evm/token")).unwrap(),
        address: Address::parse(text("/evm/address")).unwrap(),
        payable: text("/evm/atomic").parse().unwrap(),
    }
}

/// What a checkout is asked to be; `accept` empty: every pegged asset of both networks.
pub(crate) fn new_checkout(cents: u64, accept: &[(&str, &str)], matching: Matching, seconds: u64) -> NewCheckout {
    let accept = accept.iter().map(|(network, asset)| handsel_core::account::Accept {
        network: (*network).to_owned(),
        asset: (*asset).to_owned(),
    });
    NewCheckout {
        amount: format!("{}.{:02}", cents / 100, cents % 100),
        currency: "USD".to_owned(),
        accept: accept.collect(),
        rails: Vec::new(),
        customer: None,
        reference: None,
        success_url: None,
        cancel_url: None,
        expires_in_seconds: Some(seconds),
        tolerance_bps: None,
        matching,
        line_items: Vec::new(),
        metadata: Vec::new(),
    }
}
