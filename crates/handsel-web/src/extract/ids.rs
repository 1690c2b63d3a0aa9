//! Ids in paths, queries and bodies. A wrong kind is told by its prefix alone, never by a look-up (02).

use handsel_core::id::{
    ApiKeyId, AuditId, CheckoutId, CustomerId, DeliveryId, EventId, IdError, PaymentId, QuoteId, ReceiverId, RequestId,
    WalletId, WebhookId,
};
use handsel_engine::{Code, Refusal};

/// An id type of core, as this room needs it.
pub trait TypedId: Sized {
    const PREFIX: &'static str;
    const NOUN: &'static str;
    fn read(text: &str) -> Result<Self, IdError>;
}

macro_rules! typed {
    ($($name:ident),*) => {$(
        impl TypedId for $name {
            const PREFIX: &'static str = Self::PREFIX;
            const NOUN: &'static str = Self::NOUN;
            fn read(text: &str) -> Result<Self, IdError> { Self::parse(text) }
        }
    )*};
}
typed!(
    ApiKeyId, AuditId, CheckoutId, CustomerId, DeliveryId, EventId, PaymentId, QuoteId, ReceiverId, RequestId,
    WalletId, WebhookId
);

/// Reads an id that stands at `param`. With the right prefix but no id behind it, there can't be such an object: 404.
pub fn read<I: TypedId>(text: &str, param: &str) -> Result<I, Refusal> {
    let error = match I::read(text) {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    let prefixed = text.strip_prefix(I::PREFIX).is_some_and(|rest| rest.starts_with('_'));
    Err(match error {
        IdError::Malformed { .. } if prefixed => Refusal::missing(I::NOUN).at(param),
        IdError::Malformed { .. } => {
            wrong_type(format!("this is no id; a {} id ({}_…) is wanted here", I::NOUN, I::PREFIX), param)
        }
        IdError::WrongType { found, wanted } => {
            wrong_type(format!("this is the id of a {found}; a {wanted} id ({}_…) is wanted here", I::PREFIX), param)
        }
    })
}

fn wrong_type(detail: String, param: &str) -> Refusal {
    Refusal::new(Code::WrongIdType, detail).at(param)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_wrong_prefix_names_both_kinds() {
        let refusal = read::<CheckoutId>("pay_00000000000000000000000001", "id").unwrap_err();
        assert_eq!(refusal.code, Code::WrongIdType);
        assert!(refusal.detail.contains("payment") && refusal.detail.contains("checkout"), "{}", refusal.detail);
        assert_eq!(read::<CheckoutId>("nonsense", "id").unwrap_err().code, Code::WrongIdType);
    }

    #[test]
    fn the_right_prefix_without_an_id_is_missing() {
        assert_eq!(read::<CheckoutId>("chk_1", "id").unwrap_err().code, Code::ResourceMissing);
    }
}
