//! The 2048-bit filter over addresses and topics (Yellow Paper, section 4.3.1).

use core::fmt;

use super::keccak;

const BITS_MASK: u16 = 2047;

/// The bloom of a log, a receipt or a block.
#[derive(Clone, PartialEq, Eq)]
pub struct Bloom(pub [u8; 256]);

impl Default for Bloom {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl fmt::Debug for Bloom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bloom({} bits)", self.0.iter().map(|byte| byte.count_ones()).sum::<u32>())
    }
}

impl Bloom {
    /// Adds an address or a topic.
    pub fn add(&mut self, item: &[u8]) {
        let digest = keccak(item);
        for pair in digest.as_chunks::<2>().0.iter().take(3) {
            let bit = usize::from(u16::from_be_bytes(*pair) & BITS_MASK);
            // Bit 0 is the lowest one of the last byte.
            if let Some(byte) = self.0.get_mut(255 - bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }

    /// Adds all that another one holds.
    pub fn merge(&mut self, other: &[u8; 256]) {
        self.0.iter_mut().zip(other).for_each(|(mine, theirs)| *mine |= theirs);
    }
}
