//! Products of two u128 without loss, and their exact division: prices times sums don't fit 128 bits for assets with 18
//! decimals. Rounding is always said by the name.

/// `a * b` as (high, low) halves; compare such pairs as they are.
pub const fn product(a: u128, b: u128) -> (u128, u128) {
    const HALF: u32 = 64;
    const MASK: u128 = u64::MAX as u128;
    let (a_high, a_low) = (a >> HALF, a & MASK);
    let (b_high, b_low) = (b >> HALF, b & MASK);
    let low = a_low * b_low;
    // Neither sum can overflow: (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
    let middle = a_high * b_low + (low >> HALF);
    let other = a_low * b_high + (middle & MASK);
    let high = a_high * b_high + (middle >> HALF) + (other >> HALF);
    (high, (other << HALF) | (low & MASK))
}

/// `wide * small`, where that fits 256 bits.
pub const fn scaled(wide: (u128, u128), small: u128) -> Option<(u128, u128)> {
    let (carry, low) = product(wide.1, small);
    let Some(high) = wide.0.checked_mul(small) else { return None };
    let Some(high) = high.checked_add(carry) else { return None };
    Some((high, low))
}

/// Quotient and remainder of `a * b / divisor`; `None` where the divisor is zero or the quotient exceeds 128 bits.
fn divide(a: u128, b: u128, divisor: u128) -> Option<(u128, u128)> {
    let (high, low) = product(a, b);
    if divisor == 0 || high >= divisor {
        return None;
    }
    if high == 0 {
        return Some((low / divisor, low % divisor));
    }
    let (mut quotient, mut rest) = (0u128, high);
    for bit in (0..u128::BITS).rev() {
        let carry = rest >> 127 == 1;
        rest = (rest << 1) | ((low >> bit) & 1);
        if carry || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1 << bit;
        }
    }
    Some((quotient, rest))
}

/// `floor(a * b / divisor)`.
pub fn mul_div_floor(a: u128, b: u128, divisor: u128) -> Option<u128> {
    divide(a, b, divisor).map(|(quotient, _)| quotient)
}

/// `ceil(a * b / divisor)`.
pub fn mul_div_ceil(a: u128, b: u128, divisor: u128) -> Option<u128> {
    let (quotient, rest) = divide(a, b, divisor)?;
    quotient.checked_add(u128::from(rest != 0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_far_ends() {
        assert_eq!(product(u128::MAX, u128::MAX), (u128::MAX - 1, 1));
        assert_eq!(scaled((u128::MAX, 0), 2), None);
        assert_eq!(scaled((u128::MAX, u128::MAX), 1), Some((u128::MAX, u128::MAX)));
        assert_eq!(mul_div_floor(u128::MAX, u128::MAX, u128::MAX), Some(u128::MAX));
        assert_eq!(mul_div_floor(u128::MAX, 2, 1), None);
        assert_eq!(mul_div_floor(1, 1, 0), None);
        assert_eq!(mul_div_ceil(7, 1, 2), Some(4));
        assert_eq!(mul_div_floor(7, 1, 2), Some(3));
        assert_eq!(mul_div_ceil(u128::MAX, 3, 3), Some(u128::MAX));
    }

    proptest! {
        /// quotient * divisor + rest = a * b, and rest < divisor: nothing else is a division.
        #[test]
        fn a_division_undoes_the_product(a: u128, b: u128, divisor in 1u128..) {
            if let Some((quotient, rest)) = divide(a, b, divisor) {
                prop_assert!(rest < divisor);
                let (high, low) = product(quotient, divisor);
                let (sum, carry) = low.overflowing_add(rest);
                prop_assert_eq!((high + u128::from(carry), sum), product(a, b));
                prop_assert_eq!(mul_div_ceil(a, b, divisor), quotient.checked_add(u128::from(rest != 0)));
            } else {
                prop_assert!(product(a, b).0 >= divisor);
            }
        }

        #[test]
        fn scaling_is_repeated_adding(a: u128, b: u64, times in 0u128..6) {
            let wide = product(a, u128::from(b));
            let sum = (0..times).try_fold((0u128, 0u128), |sum, _| {
                let (low, carry) = sum.1.overflowing_add(wide.1);
                Some((sum.0.checked_add(wide.0)?.checked_add(u128::from(carry))?, low))
            });
            prop_assert_eq!(scaled(wide, times), sum);
        }

        #[test]
        fn small_products_agree_with_plain_ones(a: u64, b: u64, divisor in 1u64..) {
            let plain = u128::from(a) * u128::from(b) / u128::from(divisor);
            prop_assert_eq!(mul_div_floor(a.into(), b.into(), divisor.into()).unwrap(), plain);
        }
    }
}
