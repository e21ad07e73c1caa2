//! The table's names, and what the kernel calls them
//!
//! Source: Linux `include/uapi/linux/netfilter/{nf_tables,nfnetlink}.h`. Numbers are in network
//! byte order.

/// The table.
pub(super) const TABLE: &str = "limen";
/// Map: published ports to addresses and ports inside, and the mark of such connections.
pub(super) const PUBLISH: &str = "publish";
/// Set: addresses that belong to no single host of the Internet.
pub(super) const SPECIAL: &str = "special";
/// Set with counters: link and reason of what was refused.
pub(super) const REFUSED: &str = "refused";
/// Map of objects: link to its virtual gateway's share of connections.
pub(super) const SHARES: &str = "shares";
/// Set: virtual gateways that may reach every host of the Internet.
pub(super) const REACH: &str = "reach";
/// Sets with ranges: whither, virtual gateway and network; with transport; with transport and port. Three,
/// because ranges of one set may not overlap, and these may.
pub(super) const LISTED: [&str; 3] = ["listed", "listed-transport", "listed-port"];
/// Whither: into the box's own networks.
pub(super) const TO_LAN: u32 = 1;
/// Whither: beyond the uplink.
pub(super) const TO_WAN: u32 = 2;

/// Number of nftables among nfnetlink's subsystems.
pub(super) const SUBSYSTEM: u8 = 10;

/// `NFTA_LIST_ELEM`.
pub(super) const LIST_ELEMENT: u16 = 1;
/// `NFTA_SET_ELEM_LIST_ELEMENTS`.
pub(super) const ELEMENTS: u16 = 3;
/// `NFTA_SET_ELEM_KEY`.
pub(super) const ELEMENT_KEY: u16 = 1;
/// `NFTA_SET_ELEM_DATA`.
pub(super) const ELEMENT_DATA: u16 = 2;
/// `NFTA_SET_ELEM_FLAGS`.
pub(super) const ELEMENT_FLAGS: u16 = 3;
/// `NFTA_SET_ELEM_OBJREF`.
pub(super) const ELEMENT_OBJECT: u16 = 9;
/// `NFTA_SET_ELEM_KEY_END`.
pub(super) const ELEMENT_END: u16 = 10;
/// `NFTA_SET_ELEM_EXPR`.
pub(super) const ELEMENT_EXPRESSION: u16 = 7;
/// `NFTA_DATA_VALUE`.
pub(super) const DATA_VALUE: u16 = 1;

/// A set or a map, as it is declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) flags: u32,
    /// Kind and bytes of a key. Kinds mean something to the `nft` program only.
    pub(super) key: (u32, u32),
    pub(super) data: Holds,
}

/// What a set has for a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    Nothing,
    /// Kind and bytes.
    Data(u32, u32),
    /// Shares of connections (`NFT_OBJECT_CONNLIMIT`).
    Shares,
}

const INTERVAL: u32 = 4;
const MAP: u32 = 8;
/// Rules add to it.
const EVALUATED: u32 = 0x20;
const OBJECTS: u32 = 0x40;
/// Ranges of several words in a row.
pub(super) const WORDS: u32 = 0x80;

const ADDRESS: u32 = 7;
const PROTOCOL: u32 = 12;
const PORT: u32 = 13;
const MARK: u32 = 19;
const DEVICE: u32 = 20;
const NUMBER: u32 = 4;

/// Several kinds in a row, six bits each.
const fn row(kinds: &[u32]) -> u32 {
    let (mut all, mut at) = (0, 0);
    while at < kinds.len() {
        all = (all << 6) | kinds[at];
        at += 1;
    }
    all
}

const fn ranges(name: &'static str, kind: u32, length: u32) -> Set {
    Set {
        name,
        flags: INTERVAL | WORDS,
        key: (kind, length),
        data: Holds::Nothing,
    }
}

/// Every set of the table.
pub(super) const SETS: [Set; 8] = [
    Set {
        name: PUBLISH,
        flags: MAP,
        key: (row(&[PROTOCOL, PORT]), 8),
        data: Holds::Data(row(&[ADDRESS, PORT, MARK]), 12),
    },
    Set {
        name: SPECIAL,
        flags: INTERVAL,
        key: (ADDRESS, 4),
        data: Holds::Nothing,
    },
    Set {
        name: REFUSED,
        flags: EVALUATED,
        key: (row(&[DEVICE, NUMBER]), 8),
        data: Holds::Nothing,
    },
    Set {
        name: SHARES,
        flags: OBJECTS,
        key: (DEVICE, 4),
        data: Holds::Shares,
    },
    Set {
        name: REACH,
        flags: 0,
        key: (ADDRESS, 4),
        data: Holds::Nothing,
    },
    ranges(LISTED[0], row(&[NUMBER, ADDRESS, ADDRESS]), 12),
    ranges(LISTED[1], row(&[NUMBER, ADDRESS, ADDRESS, PROTOCOL]), 16),
    ranges(
        LISTED[2],
        row(&[NUMBER, ADDRESS, ADDRESS, PROTOCOL, PORT]),
        20,
    ),
];

/// Networks none of whose addresses is a host of the Internet (IANA's special-purpose registry), and
/// multicast: whoever may reach everything beyond the uplink may not reach these. First address,
/// and the one behind the last; none where nothing comes behind.
pub(super) const SPECIAL_NETWORKS: [([u8; 4], Option<[u8; 4]>); 13] = [
    // This network.
    ([0, 0, 0, 0], Some([1, 0, 0, 0])),
    // Private.
    ([10, 0, 0, 0], Some([11, 0, 0, 0])),
    // Shared by a provider's customers; the virtual gateways' own network lies in it.
    ([100, 64, 0, 0], Some([100, 128, 0, 0])),
    // Loopback.
    ([127, 0, 0, 0], Some([128, 0, 0, 0])),
    // Link-local.
    ([169, 254, 0, 0], Some([169, 255, 0, 0])),
    // Private.
    ([172, 16, 0, 0], Some([172, 32, 0, 0])),
    // Protocol assignments.
    ([192, 0, 0, 0], Some([192, 0, 1, 0])),
    // Documentation.
    ([192, 0, 2, 0], Some([192, 0, 3, 0])),
    // Private.
    ([192, 168, 0, 0], Some([192, 169, 0, 0])),
    // Measurements of devices.
    ([198, 18, 0, 0], Some([198, 20, 0, 0])),
    // Documentation.
    ([198, 51, 100, 0], Some([198, 51, 101, 0])),
    // Documentation.
    ([203, 0, 113, 0], Some([203, 0, 114, 0])),
    // Multicast, reserved, broadcast.
    ([224, 0, 0, 0], None),
];
