//! Tokens: what an epoll event is about
//!
//! 64 bits: kind, unit, generation. The generation makes the event of an earlier life harmless, for
//! closing a descriptor does not take back events that were read with it.

use limen_proto::id::{BundleIndex, Generation, Slot, UnitId, UnitRef};

/// Which descriptor has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// The signal descriptor.
    Signals,
    /// Where limen-jail answers about a life.
    Jail(UnitRef),
    /// The main process of a life.
    Main(UnitRef),
    /// The control socket of a life.
    Control(UnitRef),
    /// The readiness socket of a life.
    Readiness(UnitRef),
    /// The cgroup of a life.
    Group(UnitRef),
    /// The channel of an errand.
    Errand(u32),
    /// The process of an errand.
    ErrandProcess(u32),
}

impl Token {
    /// As epoll carries it.
    pub(super) fn encode(self) -> u64 {
        let of = |kind: u64, life: UnitRef| {
            kind << 56 | encode_unit(life.unit) << 32 | u64::from(life.generation.0)
        };
        match self {
            Self::Signals => 0,
            Self::Jail(life) => of(1, life),
            Self::Main(life) => of(2, life),
            Self::Control(life) => of(3, life),
            Self::Readiness(life) => of(4, life),
            Self::Group(life) => of(5, life),
            Self::Errand(number) => 6 << 56 | u64::from(number),
            Self::ErrandProcess(number) => 7 << 56 | u64::from(number),
        }
    }

    /// What epoll brought back; none is a number that was never given out.
    pub(super) fn decode(word: u64) -> Option<Self> {
        let [kind, _, high, low, a, b, c, d] = word.to_be_bytes();
        let number = u32::from_be_bytes([a, b, c, d]);
        let life = || {
            Some(UnitRef {
                unit: decode_unit(high, low)?,
                generation: Generation(number),
            })
        };
        Some(match kind {
            0 => Self::Signals,
            1 => Self::Jail(life()?),
            2 => Self::Main(life()?),
            3 => Self::Control(life()?),
            4 => Self::Readiness(life()?),
            5 => Self::Group(life()?),
            6 => Self::Errand(number),
            7 => Self::ErrandProcess(number),
            _ => return None,
        })
    }
}

/// Two bits of kind and six of slot, then eight of number: slots are below 32.
fn encode_unit(unit: UnitId) -> u64 {
    let pair =
        |kind: u64, slot: Slot, number: u64| kind << 14 | u64::from(slot.get()) << 8 | number;
    match unit {
        UnitId::Core(number) => u64::from(number),
        UnitId::Vgw(slot) => pair(1, slot, 0),
        UnitId::Bundle(slot, index) => pair(2, slot, u64::from(index.get())),
        UnitId::Hand(slot, run) => pair(3, slot, u64::from(run)),
    }
}

fn decode_unit(high: u8, low: u8) -> Option<UnitId> {
    let slot = || Slot::new(u16::from(high & 0x3f)).ok();
    Some(match high >> 6 {
        0 => UnitId::Core(low),
        1 => UnitId::Vgw(slot()?),
        2 => UnitId::Bundle(slot()?, BundleIndex::new(u16::from(low)).ok()?),
        _ => UnitId::Hand(slot()?, low),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back() {
        let slot = Slot::new(31).unwrap();
        let units = [
            UnitId::Core(11),
            UnitId::Vgw(slot),
            UnitId::Bundle(slot, BundleIndex::new(31).unwrap()),
            UnitId::Hand(slot, 255),
        ];
        for unit in units {
            let life = UnitRef {
                unit,
                generation: Generation(u32::MAX),
            };
            for token in [
                Token::Jail(life),
                Token::Main(life),
                Token::Control(life),
                Token::Readiness(life),
                Token::Group(life),
            ] {
                assert_eq!(Token::decode(token.encode()), Some(token));
            }
        }
        for token in [Token::Signals, Token::Errand(7), Token::ErrandProcess(9)] {
            assert_eq!(Token::decode(token.encode()), Some(token));
        }
        assert_eq!(Token::decode(u64::MAX), None);
    }
}
