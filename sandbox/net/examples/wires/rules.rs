//! Rules: each taken away alone, and what is no longer so
//!
//! Four more are taken away where the table of connections is full (`shares`): management's and the
//! echo's, in both directions. Together they are all; a rule that is in no list here fails the walk.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;

use limen_net::{BOX_ADDRESS, adjust, counters, prepare};
use limen_proto::contract::{Contract, Protocol, Publish, Wan};
use limen_proto::jail::Refused;

use crate::expect;
use crate::flows::from_host;
use crate::frame::{Forced, IPV4, IPV6, advertisement, datagram, ethernet, join};
use crate::ground::{Ground, HOST, MANAGEMENT, UPLINK, Vgw, believe, box_address, contract};
use crate::netlink;
use crate::reach::{HOME, OTHER, PATIENCE, SERVICE, SPECIAL, at, reaches, reaching};

const CHAINS: [&str; 7] = [
    "raw", "own", "publish", "forward", "share", "input", "leave",
];
/// Taken away in `shares`.
const ELSEWHERE: [(&str, &str); 4] = [
    ("raw", "management"),
    ("raw", "echo"),
    ("own", "management"),
    ("own", "echo"),
];
const SHARE: u32 = 4;

/// A rule, and what holds as long as it is there.
struct Rule {
    chain: &'static str,
    name: &'static str,
    /// Of those of this name, the one behind so many others.
    others: usize,
    wish: fn() -> Contract,
    /// The box's device towards the world, as the table is told.
    uplink: &'static str,
    holds: fn(&mut Stage<'_>) -> bool,
}

const fn rule(
    chain: &'static str,
    name: &'static str,
    wish: fn() -> Contract,
    holds: fn(&mut Stage<'_>) -> bool,
) -> Rule {
    Rule {
        chain,
        name,
        others: 0,
        wish,
        uplink: UPLINK,
        holds,
    }
}

const fn listed(others: usize, wish: fn() -> Contract, holds: fn(&mut Stage<'_>) -> bool) -> Rule {
    Rule {
        others,
        ..rule("forward", "listed", wish, holds)
    }
}

const RULES: &[Rule] = &[
    rule("raw", "foreign", all, |stage| {
        let link = std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7);
        stage.counts(|refused| refused.foreign, IPV6, &advertisement(link, 0))
    }),
    rule("raw", "spoofed", all, |stage| {
        let spoofed = datagram(stage.neighbour.address(), (HOST, OTHER), b"spoofed");
        stage.forced.send(&ethernet(stage.vgw.slot, IPV4, &spoofed));
        stage.heard_from().is_none()
    }),
    rule("raw", "many", all, |stage| {
        let join = join(stage.vgw.address());
        stage.counts(|refused| refused.foreign, IPV4, &join)
    }),
    rule("publish", "publish", none, serves),
    rule("forward", "neighbours", home_is_everywhere, |stage| {
        !reaches(&stage.vgw, stage.neighbour.address(), SERVICE)
    }),
    rule("forward", "answers", all, reaches_host),
    rule("forward", "over", none, |stage| {
        let port = SocketAddrV4::new(box_address(), 8080).into();
        let tries = (0..2 * SHARE).map(|_| stage.ground.world.inside(|| from_host(&port).ok()));
        tries.collect::<Vec<_>>().iter().flatten().count() <= SHARE as usize
    }),
    rule("forward", "published", none, serves),
    rule("forward", "served", none, serves),
    listed(0, lan, |stage| reaches(&stage.vgw, SPECIAL[1], SERVICE)),
    listed(1, lan, |stage| reaches(&stage.vgw, SPECIAL[2], SERVICE)),
    listed(2, lan, |stage| reaches(&stage.vgw, HOME, SERVICE)),
    Rule {
        // The device that leads to the world is another one then.
        uplink: "other",
        ..rule("forward", "elsewhere", all, |stage| !reaches_host(stage))
    },
    rule("forward", "special", all, |stage| {
        !reaches(&stage.vgw, SPECIAL[1], SERVICE)
    }),
    rule("forward", "reach", all, reaches_host),
    listed(3, wan_network, reaches_host),
    listed(4, wan_transport, reaches_host),
    listed(5, wan_port, reaches_host),
    rule("forward", "rest", none, |stage| {
        let sent = datagram(stage.vgw.address(), (HOST, OTHER), b"refused");
        stage.counts(|refused| refused.forward, IPV4, &sent)
    }),
    rule("share", "over", all, |stage| {
        let to = SocketAddrV4::new(HOST, SERVICE).into();
        let connect = |_| TcpStream::connect_timeout(&to, PATIENCE / 4).ok();
        let tries = stage
            .vgw
            .space
            .inside(|| (0..2 * SHARE).map(connect).collect::<Vec<_>>());
        tries.iter().flatten().count() <= SHARE as usize
    }),
    rule("share", "mark", all, cuts_flows),
    rule("share", "tracked", all, reaches_host),
    rule("input", "established", all, |_| {
        let to = SocketAddrV4::new(HOST, SERVICE).into();
        TcpStream::connect_timeout(&to, PATIENCE).is_ok()
    }),
    rule("input", "links", all, |stage| {
        !reaches(&stage.vgw, BOX_ADDRESS.into(), MANAGEMENT)
    }),
    rule("input", "management", all, |stage| {
        stage.reaches_box(MANAGEMENT)
    }),
    rule("input", "echo", all, |stage| {
        crate::echo::answers(stage.ground)
    }),
    rule("input", "rest", all, |stage| !stage.reaches_box(OTHER)),
    rule("leave", "leave", all, |stage| {
        // From another port each time: what is translated stays so.
        stage.vgw.space.inside(|| {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
            socket.send_to(b"masked", (HOST, OTHER)).unwrap();
        });
        stage.heard_from() == Some(box_address().into())
    }),
];

fn with(contract: Contract) -> Contract {
    Contract {
        connections: SHARE,
        publish: [Publish {
            protocol: Protocol::Tcp,
            outside: 8080,
            inside: 80,
        }]
        .into_iter()
        .collect(),
        ..contract
    }
}

fn all() -> Contract {
    with(contract(0, 0))
}

fn none() -> Contract {
    with(reaching(Wan::None, &[], &[]))
}

fn home_is_everywhere() -> Contract {
    let [a, b, ..] = BOX_ADDRESS;
    with(reaching(
        Wan::None,
        &[],
        &[at([a, b, 0, 0].into(), 16, None, 0)],
    ))
}

fn lan() -> Contract {
    let tcp = Some(Protocol::Tcp);
    let lan = [
        at(SPECIAL[1], 32, None, 0),
        at(SPECIAL[2], 32, tcp, 0),
        at(HOME, 32, tcp, SERVICE),
    ];
    with(reaching(Wan::None, &[], &lan))
}

fn wan(protocol: Option<Protocol>, port: u16) -> Contract {
    with(reaching(Wan::Listed, &[at(HOST, 32, protocol, port)], &[]))
}

fn wan_network() -> Contract {
    wan(None, 0)
}

fn wan_transport() -> Contract {
    wan(Some(Protocol::Tcp), 0)
}

fn wan_port() -> Contract {
    wan(Some(Protocol::Tcp), SERVICE)
}

struct Stage<'a> {
    ground: &'a Ground,
    vgw: Vgw,
    neighbour: Vgw,
    forced: Forced,
    /// On the world's host.
    ear: UdpSocket,
}

/// Every rule, whole and then missing.
pub(crate) fn each_rule_matters(ground: &Ground) {
    let listen = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    let _world = ground.world.inside(|| listen(SERVICE));
    let _box = (listen(MANAGEMENT), listen(OTHER));
    let (vgw, neighbour) = (Vgw::new(1, &all()), Vgw::new(2, &contract(0, 0)));
    let _vgw = vgw.space.inside(|| listen(80));
    let _neighbour = neighbour.space.inside(|| listen(SERVICE));
    let ear = ground.world.inside(|| UdpSocket::bind((HOST, OTHER)));
    let ear = ear.unwrap();
    ear.set_read_timeout(Some(PATIENCE)).unwrap();
    every_rule_is_listed();
    let mut stage = Stage {
        ground,
        forced: Forced::new(&vgw),
        vgw,
        neighbour,
        ear,
    };
    for rule in RULES {
        for (how, is_there) in [("with", true), ("without", false)] {
            stage.set(rule, is_there);
            let holds = (rule.holds)(&mut stage);
            let (chain, name, others) = (rule.chain, rule.name, rule.others);
            let what = format!("{how} {chain}/{name} {others}: {is_there}");
            expect(&what, holds == is_there, &());
        }
    }
    ground.prepare();
    stage.vgw.end();
    stage.neighbour.end();
}

fn every_rule_is_listed() {
    let mut there = BTreeSet::new();
    for chain in CHAINS {
        let rules = netlink::rules(chain).into_iter();
        there.extend(rules.map(|(name, _)| (chain, name)));
    }
    let listed = RULES.iter().map(|rule| (rule.chain, rule.name));
    let listed = listed.chain(ELSEWHERE);
    let listed: BTreeSet<_> = listed
        .map(|(chain, name)| (chain, name.to_owned()))
        .collect();
    let unlisted: Vec<_> = there.symmetric_difference(&listed).collect();
    expect(
        "every rule is taken away once",
        unlisted.is_empty(),
        &unlisted,
    );
}

impl Stage<'_> {
    /// A whole table and both contracts; then perhaps without the rule.
    fn set(&self, rule: &Rule, is_there: bool) {
        prepare(rule.uplink, MANAGEMENT).unwrap();
        // The kernel's own check of source addresses is another wall.
        for device in ["all", "default", "vgw1", "vgw2"] {
            believe(device);
        }
        self.adjust(&(rule.wish)());
        let (slot, space) = (self.neighbour.slot, self.neighbour.space.as_fd());
        adjust(slot, space, &contract(0, 0)).unwrap();
        if !is_there {
            netlink::delete_rule(rule.chain, rule.name, rule.others);
        }
        // What came late for the one before.
        self.ear.set_nonblocking(true).unwrap();
        while self.ear.recv(&mut [0; 64]).is_ok() {}
        self.ear.set_nonblocking(false).unwrap();
    }

    fn adjust(&self, wish: &Contract) {
        adjust(self.vgw.slot, self.vgw.space.as_fd(), wish).unwrap();
    }

    /// The world reaches a port of the box.
    fn reaches_box(&self, port: u16) -> bool {
        let to = SocketAddrV4::new(box_address(), port).into();
        self.ground.world.inside(|| from_host(&to)).is_ok()
    }

    /// Whether a forced frame is counted.
    fn counts(&mut self, as_what: fn(&Refused) -> u64, kind: u16, body: &[u8]) -> bool {
        let slot = self.vgw.slot;
        let now = || as_what(&counters(slot, None).unwrap().refused);
        let before = now();
        self.forced.send(&ethernet(slot, kind, body));
        std::thread::sleep(PATIENCE);
        now() > before
    }

    /// Where the next datagram comes from, as the world's host sees it.
    fn heard_from(&self) -> Option<IpAddr> {
        let heard = self.ear.recv_from(&mut [0; 64]);
        heard.ok().map(|(_, from)| from.ip())
    }
}

/// The virtual gateway reaches the world's host.
fn reaches_host(stage: &mut Stage<'_>) -> bool {
    reaches(&stage.vgw, HOST, SERVICE)
}

/// The world reaches what the virtual gateway publishes.
fn serves(stage: &mut Stage<'_>) -> bool {
    stage.reaches_box(8080)
}

/// A contract that is tightened and loosened again has ended what was open.
fn cuts_flows(stage: &mut Stage<'_>) -> bool {
    let world = &stage.ground.world;
    let listener = world.inside(|| TcpListener::bind((HOST, OTHER)).unwrap());
    let to = SocketAddrV4::new(HOST, OTHER).into();
    let connect = || TcpStream::connect_timeout(&to, PATIENCE);
    let mut inner = stage.vgw.space.inside(connect).unwrap();
    let mut outer = listener.accept().unwrap().0;
    inner.set_read_timeout(Some(PATIENCE)).unwrap();
    stage.adjust(&none());
    stage.adjust(&all());
    outer.write_all(b"word").unwrap();
    inner.read(&mut [0; 4]).is_err()
}
