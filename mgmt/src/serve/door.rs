//! Who may come in, and who must leave for it: a pure core
//!
//! Connections are capped in all and per address. A newcomer at a full door is let in at the cost of
//! the oldest guest that has proved nothing yet, then of the oldest that is idle; one that is being
//! served never leaves for a newcomer. So a stranger who opens thousands of connections holds the
//! door only against himself, and a real client still gets in.

use std::net::IpAddr;

/// Most connections at once.
pub const GUESTS: usize = 64;
/// Most connections at once from one address.
pub const GUESTS_OF_ADDRESS: usize = 16;

/// Names a guest; never reused.
pub(super) type GuestId = u64;

/// How far a guest has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In the handshake: a stranger.
    Knocking,
    /// Known, and asking nothing.
    Idle,
    /// Being served.
    Busy,
}

/// What to do with a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Come in.
    In(GuestId),
    /// Come in; the second one leaves.
    InFor(GuestId, GuestId),
    /// Go away: everybody inside is being served.
    Full,
}

struct Guest {
    id: GuestId,
    address: IpAddr,
    stage: Stage,
}

/// Everybody who is in, oldest first.
#[derive(Default)]
pub(super) struct Door {
    guests: Vec<Guest>,
    last: GuestId,
}

impl Door {
    /// Somebody comes.
    pub(super) fn knock(&mut self, address: IpAddr) -> Admission {
        let address = address.to_canonical();
        let of_address = self.guests.iter().filter(|guest| guest.address == address);
        let victim = if of_address.count() >= GUESTS_OF_ADDRESS {
            self.dispensable(Some(address))
        } else if self.guests.len() >= GUESTS {
            self.dispensable(None)
        } else {
            return Admission::In(self.enter(address));
        };
        match victim {
            Some(victim) => {
                self.leave(victim);
                Admission::InFor(self.enter(address), victim)
            }
            None => Admission::Full,
        }
    }

    /// A guest moves on.
    pub(super) fn set(&mut self, id: GuestId, stage: Stage) {
        if let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == id) {
            guest.stage = stage;
        }
    }

    /// A guest is gone.
    pub(super) fn leave(&mut self, id: GuestId) {
        self.guests.retain(|guest| guest.id != id);
    }

    fn enter(&mut self, address: IpAddr) -> GuestId {
        self.last += 1;
        self.guests.push(Guest {
            id: self.last,
            address,
            stage: Stage::Knocking,
        });
        self.last
    }

    fn dispensable(&self, address: Option<IpAddr>) -> Option<GuestId> {
        let oldest = |stage: Stage| {
            let mut candidates = self.guests.iter().filter(|guest| {
                guest.stage == stage && address.is_none_or(|address| guest.address == address)
            });
            candidates.next().map(|guest| guest.id)
        };
        oldest(Stage::Knocking).or_else(|| oldest(Stage::Idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn strangers_push_out_strangers_and_spare_the_served() {
        let mut door = Door::default();
        let Admission::In(served) = door.knock(address(1)) else {
            panic!("an empty door is open");
        };
        door.set(served, Stage::Busy);
        for _ in 1..GUESTS_OF_ADDRESS {
            assert!(matches!(door.knock(address(1)), Admission::In(_)));
        }
        for _ in 0..1000 {
            assert!(
                matches!(door.knock(address(1)), Admission::InFor(_, victim) if victim != served)
            );
        }
        assert!(
            matches!(door.knock(address(2)), Admission::In(_)),
            "others are not hurt"
        );
    }

    #[test]
    fn a_full_house_gives_up_the_idle_and_then_nobody() {
        let mut door = Door::default();
        let mut ids = Vec::new();
        for guest in 0..GUESTS {
            let from = address(u8::try_from(guest / GUESTS_OF_ADDRESS).expect("small"));
            match door.knock(from) {
                Admission::In(id) => ids.push(id),
                other => panic!("there is room: {other:?}"),
            }
        }
        ids.iter().for_each(|id| door.set(*id, Stage::Busy));
        assert_eq!(door.knock(address(9)), Admission::Full);
        let idle = ids[7];
        door.set(idle, Stage::Idle);
        assert!(matches!(door.knock(address(9)), Admission::InFor(_, victim) if victim == idle));
    }

    #[test]
    fn an_ipv4_guest_is_the_same_by_ipv6() {
        let mut door = Door::default();
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");
        for _ in 0..GUESTS_OF_ADDRESS {
            door.knock(address(1));
        }
        assert!(matches!(door.knock(mapped), Admission::InFor(..)));
    }
}
