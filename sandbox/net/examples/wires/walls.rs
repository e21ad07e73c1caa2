//! Walls: what a virtual gateway's end of the link may not send
//!
//! Each forced frame must be heard by nobody and be counted for its reason. Afterwards the walls are
//! taken away, and the same frames are heard: the test can fail.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

use limen_net::{BOX_ADDRESS, counters};
use limen_proto::jail::Refused;

use crate::expect;
use crate::frame::{
    ARP, Forced, IPV4, IPV6, advertisement, announcement, claim, datagram, ethernet, fragments,
    ipv6, join, misaddressed, offer, tagged,
};
use crate::ground::{Ground, HOST, Vgw, believe, contract};
use crate::netlink;

/// A port where somebody of the world, the box and the neighbour listens.
const PORT: u16 = 7;
/// Longer than a frame takes.
const PATIENCE: Duration = Duration::from_millis(300);

struct Case {
    what: &'static str,
    frames: Vec<Vec<u8>>,
    /// Whether it is counted, and as what.
    counted: Option<fn(&Refused) -> u64>,
    /// Whether somebody hears it when there are no walls.
    matters: bool,
}

/// Cases B-16 and B-17, and of B-13 and B-19 what a packet alone can do.
pub(crate) fn frames_are_refused(ground: &Ground) {
    let mut wish = contract(0, 0);
    // Whoever may reach a destination may not reach it in another's name either.
    wish.connections = 64;
    let (vgw, neighbour) = (Vgw::new(1, &wish), Vgw::new(2, &wish));
    let ears = Ears::open(ground, &neighbour);
    let mut forced = Forced::new(&vgw);

    let own = datagram(vgw.address(), (HOST, PORT), b"honest");
    forced.send(&ethernet(vgw.slot, IPV4, &own));
    expect("a forced frame is heard if it is honest", ears.hear(), &());
    for fragment in fragments(vgw.address(), (HOST, PORT), &[b'h'; 64]) {
        forced.send(&ethernet(vgw.slot, IPV4, &fragment));
    }
    expect("honest fragments are heard", ears.hear(), &());

    // There is no bridge: whose frame it says it is means nothing, and is told nobody.
    let renamed = misaddressed(&ethernet(vgw.slot, IPV4, &own), None, Some(0x77));
    forced.send(&renamed);
    expect(
        "a changed hardware address is an ordinary frame",
        ears.hear(),
        &(),
    );

    for case in cases(&vgw, &neighbour) {
        let before = counters(vgw.slot, None).unwrap().refused;
        for frame in &case.frames {
            forced.send(frame);
        }
        let heard = ears.hear();
        let after = counters(vgw.slot, None).unwrap().refused;
        expect(&format!("nobody hears {}", case.what), !heard, &());
        if let Some(count) = case.counted {
            let added = count(&after) - count(&before);
            expect(&format!("counted: {}", case.what), added > 0, &after);
        }
    }
    let (routes, known) = (read("ipv6_route"), read("arp"));
    let learnt = routes.contains("20010db80bad");
    expect("no route was learnt from a link", !learnt, &routes);
    expect(
        "no neighbour was learnt from a link",
        !known.contains("vgw"),
        &known,
    );
    let other = counters(neighbour.slot, None).unwrap();
    expect(
        "nothing reached the neighbour",
        other.received.packets == 0,
        &other,
    );

    knocked_out(&vgw, &neighbour, &ears, &mut forced);
    vgw.end();
    neighbour.end();
    ground.prepare();
}

/// Without firewall and source check, what matters is heard.
fn knocked_out(vgw: &Vgw, neighbour: &Vgw, ears: &Ears, forced: &mut Forced) {
    netlink::delete_table();
    for device in ["all", "default", "vgw1", "vgw2"] {
        believe(device);
    }
    for case in cases(vgw, neighbour).iter().filter(|case| case.matters) {
        for frame in &case.frames {
            forced.send(frame);
        }
        expect(&format!("without walls: {}", case.what), ears.hear(), &());
    }
}

fn cases(vgw: &Vgw, neighbour: &Vgw) -> Vec<Case> {
    let slot = vgw.slot;
    let foreign = |refused: &Refused| refused.foreign;
    let spoofed = |refused: &Refused| refused.spoofed;
    let input = |refused: &Refused| refused.input;
    let forward = |refused: &Refused| refused.forward;
    let case = |what, kind, body: Vec<u8>, counted, matters| Case {
        what,
        frames: vec![ethernet(slot, kind, &body)],
        counted,
        matters,
    };
    let world = (HOST, PORT);
    let stranger = Ipv4Addr::new(192, 88, 10, 99);
    let (link, target) = (
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    );
    let from = |source| datagram(source, world, b"spoofed");
    let to = |address: Ipv4Addr| datagram(vgw.address(), (address, PORT), b"direct");
    let extended = ipv6(
        link,
        target,
        0,
        64,
        &[&[17, 0, 1, 4, 0, 0, 0, 0], &[0; 16][..]].concat(),
    );
    let split = fragments(neighbour.address(), world, &[b's'; 64]);
    vec![
        case(
            "the neighbour's address",
            IPV4,
            from(neighbour.address()),
            Some(spoofed),
            true,
        ),
        case(
            "the box's address",
            IPV4,
            from(BOX_ADDRESS.into()),
            Some(spoofed),
            false,
        ),
        case(
            "a stranger's address",
            IPV4,
            from(stranger),
            Some(spoofed),
            true,
        ),
        case(
            "no address",
            IPV4,
            from(Ipv4Addr::UNSPECIFIED),
            Some(spoofed),
            false,
        ),
        Case {
            what: "fragments from the neighbour's address",
            frames: split
                .iter()
                .map(|part| ethernet(slot, IPV4, part))
                .collect(),
            counted: Some(spoofed),
            matters: true,
        },
        case(
            "the box's end of the link",
            IPV4,
            to(BOX_ADDRESS.into()),
            Some(input),
            true,
        ),
        case(
            "the neighbour",
            IPV4,
            to(neighbour.address()),
            Some(forward),
            true,
        ),
        case(
            "an offer of addresses",
            IPV4,
            offer(vgw.address()),
            Some(foreign),
            false,
        ),
        case(
            "joining a group",
            IPV4,
            join(vgw.address()),
            Some(foreign),
            false,
        ),
        case(
            "a rogue prefix",
            IPV6,
            advertisement(link, 1800),
            Some(foreign),
            false,
        ),
        case(
            "the end of a router",
            IPV6,
            advertisement(link, 0),
            Some(foreign),
            false,
        ),
        case(
            "a forged neighbour",
            IPV6,
            claim(link, target),
            Some(foreign),
            false,
        ),
        case("extension headers", IPV6, extended, Some(foreign), false),
        // These the kernel itself ignores, before any rule: there is no ARP on a link, and no
        // device for the tag.
        case(
            "the gateway's ARP",
            ARP,
            announcement(slot, BOX_ADDRESS.into()),
            None,
            false,
        ),
        case(
            "the neighbour's ARP",
            ARP,
            announcement(slot, neighbour.address()),
            None,
            false,
        ),
        Case {
            what: "a frame for another hardware address",
            frames: vec![misaddressed(
                &ethernet(slot, IPV4, &to(HOST)),
                Some(0x77),
                None,
            )],
            counted: None,
            matters: false,
        },
        Case {
            what: "a tag",
            frames: vec![tagged(slot, 5, IPV4, &to(HOST))],
            counted: None,
            matters: false,
        },
    ]
}

/// Sockets in the world, on the box and in the neighbour.
struct Ears([UdpSocket; 3]);

impl Ears {
    fn open(ground: &Ground, neighbour: &Vgw) -> Self {
        let any = || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
        let ears = [ground.world.inside(any), any(), neighbour.space.inside(any)];
        for ear in &ears {
            ear.set_nonblocking(true).unwrap();
        }
        Self(ears)
    }

    /// Whether anybody hears anything within the patience.
    fn hear(&self) -> bool {
        std::thread::sleep(PATIENCE);
        let mut heard = false;
        for ear in &self.0 {
            while ear.recv(&mut [0; 256]).is_ok() {
                heard = true;
            }
        }
        heard
    }
}

fn read(table: &str) -> String {
    fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default()
}
