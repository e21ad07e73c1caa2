//! Reach: where a contract lets its virtual gateway to, and that a change is in force at once
//!
//! Everything that is refused here has somebody who listens there.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use limen_net::{BOX_ADDRESS, adjust, counters, open};
use limen_proto::contract::{Contract, Destination, Protocol, Publish, Wan};

use crate::expect;
use crate::flows::from_host;
use crate::ground::{Ground, HOST, MANAGEMENT, Vgw, box_address, contract};

/// Longer than an answer takes.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);
/// Where somebody of the world listens, over TCP and UDP.
pub(crate) const SERVICE: u16 = 9;
pub(crate) const OTHER: u16 = 10;
/// A port of the box.
const PUBLISHED: u16 = 8099;
/// Hosts of the world that are no hosts of the Internet.
pub(crate) const SPECIAL: [Ipv4Addr; 5] = [
    HOME,
    Ipv4Addr::new(10, 9, 9, 9),
    Ipv4Addr::new(172, 31, 255, 254),
    Ipv4Addr::new(100, 127, 255, 254),
    Ipv4Addr::new(169, 254, 9, 9),
];
/// One of them, in the box's own network.
pub(crate) const HOME: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 7);

pub(crate) fn at(
    address: Ipv4Addr,
    prefix: u8,
    protocol: Option<Protocol>,
    port: u16,
) -> Destination {
    let network = limen_proto::contract::Ipv4Network::new(address, prefix).unwrap();
    Destination {
        network,
        protocol,
        port,
    }
}

pub(crate) fn reaching(wan: Wan, destinations: &[Destination], lan: &[Destination]) -> Contract {
    Contract {
        wan,
        destinations: destinations.iter().copied().collect(),
        lan: lan.iter().copied().collect(),
        ..contract(0, 0)
    }
}

/// Whether a TCP connection comes about.
pub(crate) fn reaches(vgw: &Vgw, address: Ipv4Addr, port: u16) -> bool {
    let to = SocketAddrV4::new(address, port).into();
    vgw.space
        .inside(|| TcpStream::connect_timeout(&to, PATIENCE).is_ok())
}

/// A virtual gateway that is parked reaches nothing and is not reached, whatever its contract says,
/// until its link is opened.
pub(crate) fn a_closed_link_carries_nothing(ground: &Ground) {
    let listen = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    let _world = ground.world.inside(|| listen(SERVICE));
    let mut wish = reaching(Wan::All, &[], &[]);
    let _ = wish.publish.push(Publish {
        protocol: Protocol::Tcp,
        outside: PUBLISHED,
        inside: SERVICE,
    });
    let vgw = Vgw::closed(1, &wish);
    let _served = vgw.space.inside(|| listen(SERVICE));
    let published = SocketAddrV4::new(box_address(), PUBLISHED).into();
    let is_reached = || ground.world.inside(|| from_host(&published)).is_ok();
    let refused = || counters(vgw.slot, None).unwrap().refused;
    let before = refused().spoofed;
    let none = !reaches(&vgw, HOST, SERVICE) && refused().spoofed > before;
    expect("closed: nothing is reached", none, &refused());
    expect("closed: nor from outside", !is_reached(), &());
    open(vgw.slot).unwrap();
    expect(
        "open: a host of the Internet",
        reaches(&vgw, HOST, SERVICE),
        &(),
    );
    expect("open: what it publishes", is_reached(), &());
    vgw.end();
}

/// Cases B-13: the box, the neighbour, and what the contract does not name.
pub(crate) fn contracts_are_kept(ground: &Ground) {
    let listen = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    let _world = ground.world.inside(|| (listen(SERVICE), listen(OTHER)));
    let _canary = listen(MANAGEMENT);
    let vgw = Vgw::new(1, &reaching(Wan::All, &[], &[]));
    let neighbour = Vgw::new(2, &reaching(Wan::All, &[], &[]));
    let _neighbour = neighbour.space.inside(|| listen(SERVICE));
    let refused = || counters(vgw.slot, None).unwrap().refused;

    expect(
        "all: a host of the Internet",
        reaches(&vgw, HOST, SERVICE),
        &(),
    );
    for special in SPECIAL {
        let before = refused().forward;
        let none = !reaches(&vgw, special, SERVICE) && refused().forward > before;
        expect(&format!("all: not {special}"), none, &refused());
    }
    let before = refused();
    for address in [BOX_ADDRESS.into(), box_address()] {
        let none = !reaches(&vgw, address, MANAGEMENT);
        expect(&format!("all: not management at {address}"), none, &());
    }
    let none = !reaches(&vgw, neighbour.address(), SERVICE);
    expect("all: not the neighbour", none, &());
    let after = refused();
    let counted = after.input > before.input && after.forward > before.forward;
    expect("what was refused is counted", counted, &after);
    let other = counters(neighbour.slot, None).unwrap().refused;
    expect(
        "and not for the neighbour",
        other == Default::default(),
        &other,
    );

    let change = |wish: &Contract| adjust(vgw.slot, vgw.space.as_fd(), wish).unwrap();
    change(&reaching(Wan::None, &[], &[]));
    expect("none: nothing", !reaches(&vgw, HOST, SERVICE), &());
    let tcp = Some(Protocol::Tcp);
    // Overlapping on purpose: the narrow one must not hide the wide one.
    let home = [
        at(HOME, 32, tcp, OTHER),
        at([192, 168, 0, 0].into(), 16, tcp, SERVICE),
    ];
    change(&reaching(Wan::None, &[], &home));
    expect(
        "lan: what is listed",
        reaches(&vgw, HOME, SERVICE) && reaches(&vgw, HOME, OTHER),
        &(),
    );
    expect(
        "lan: nothing else",
        !reaches(&vgw, SPECIAL[1], SERVICE),
        &(),
    );
    expect("lan: not the Internet", !reaches(&vgw, HOST, SERVICE), &());
    let listed = [
        at(HOST, 32, tcp, SERVICE),
        at([10, 0, 0, 0].into(), 8, None, 0),
    ];
    change(&reaching(Wan::Listed, &listed, &[]));
    expect("listed: a destination", reaches(&vgw, HOST, SERVICE), &());
    expect("listed: not another port", !reaches(&vgw, HOST, OTHER), &());
    expect(
        "listed: not the lan any more",
        !reaches(&vgw, HOME, SERVICE),
        &(),
    );
    expect(
        "listed: nothing special",
        !reaches(&vgw, SPECIAL[1], SERVICE),
        &(),
    );
    let udp = [at(HOST, 32, Some(Protocol::Udp), 0)];
    change(&reaching(Wan::Listed, &udp, &[]));
    expect(
        "listed: not another transport",
        !reaches(&vgw, HOST, SERVICE),
        &(),
    );
    change(&reaching(
        Wan::Listed,
        &[at([0, 0, 0, 0].into(), 0, None, 0)],
        &[],
    ));
    expect("listed: everything", reaches(&vgw, HOST, SERVICE), &());
    expect(
        "the neighbour noticed nothing",
        reaches(&neighbour, HOST, SERVICE),
        &(),
    );
    vgw.end();
    neighbour.end();
}
