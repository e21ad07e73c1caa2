//! Shares: what one virtual gateway may take of the box's tables

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;

use limen_net::{adjust, counters};
use limen_proto::contract::{Protocol, Publish};

use crate::expect;
use crate::flows::{from_host, published};
use crate::ground::{Ground, HOST, MANAGEMENT, Vgw, box_address, contract};
use crate::reach::{OTHER, PATIENCE, SERVICE, reaches};

/// Cases B-19: a share of connections, in both directions together; a full table of connections;
/// more destinations than the box has room to remember neighbours.
pub(crate) fn shares_are_kept(ground: &Ground) {
    const SHARE: u32 = 20;
    let mut wish = contract(0, 0);
    wish.connections = SHARE;
    wish.publish = [Publish {
        protocol: Protocol::Tcp,
        outside: 8080,
        inside: 80,
    }]
    .into_iter()
    .collect();
    let (vgw, neighbour) = (Vgw::new(1, &wish), Vgw::new(2, &contract(0, 0)));
    let _world = ground
        .world
        .inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, SERVICE)).unwrap());
    let inside = vgw
        .space
        .inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap());
    let incoming: Vec<_> = (0..5).map(|_| published(ground, &inside, 8080)).collect();
    let to = SocketAddrV4::new(HOST, SERVICE).into();
    let outgoing: Vec<_> = vgw.space.inside(|| {
        let connect = |_| TcpStream::connect_timeout(&to, PATIENCE / 4).ok();
        (0..SHARE).filter_map(connect).collect()
    });
    let open = incoming.len() + outgoing.len();
    expect("both directions share", open == SHARE as usize, &open);
    let limited = counters(vgw.slot, None).unwrap().refused.connections;
    expect("what is beyond the share is counted", limited > 0, &limited);
    let port = SocketAddrV4::new(box_address(), 8080).into();
    let one_more = ground.world.inside(|| from_host(&port));
    expect(
        "from the world nothing more comes in",
        one_more.is_err(),
        &one_more,
    );
    expect(
        "a neighbour still connects",
        reaches(&neighbour, HOST, SERVICE),
        &(),
    );

    wish.connections = 2 * SHARE;
    adjust(vgw.slot, vgw.space.as_fd(), &wish).unwrap();
    expect(
        "a larger share is in force at once",
        reaches(&vgw, HOST, SERVICE),
        &(),
    );
    drop((incoming, outgoing));
    vgw.end();

    let scanner = Vgw::new(3, &contract(0, 0));
    let before = ground.neighbours();
    scanner.space.inside(|| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        for number in 0..4096_u32 {
            let host = Ipv4Addr::from_bits(0xcb00_0000 + number);
            let _ = socket.send_to(b"anybody?", (host, OTHER));
        }
    });
    if let (Some(before), Some(after)) = (before, ground.neighbours()) {
        let held = after < before + 16;
        expect(
            "a scan does not fill the table of neighbours",
            held,
            &(before, after),
        );
    }
    scanner.end();
    neighbour.end();
}

/// Management is heard when no connection can be tracked any more; without its rules it is not.
pub(crate) fn management_is_heard(ground: &Ground) {
    const MOST: usize = 24;
    let Some(before) = ground.track(MOST) else {
        println!("wires: the table of connections is not this machine's to fill");
        return;
    };
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, MANAGEMENT)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let vgw = Vgw::new(1, &contract(0, 0));
    let world = ground
        .world
        .inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, SERVICE)).unwrap());
    let to = SocketAddrV4::new(HOST, SERVICE).into();
    let mut held = Vec::new();
    // Again before each look: what others had in the table is forgotten by and by.
    let mut fill = || {
        let connect = |_| TcpStream::connect_timeout(&to, PATIENCE).ok();
        let more = vgw
            .space
            .inside(|| (0..MOST + 4).map_while(connect).collect::<Vec<_>>());
        held.extend(more);
        held.len()
    };
    let full = fill();
    expect("the table of connections is full", full <= MOST + 1, &full);
    let management = SocketAddrV4::new(box_address(), MANAGEMENT).into();
    let answered = || ground.world.inside(|| from_host(&management)).is_ok();
    let echoed = || crate::echo::answers(ground);
    expect("management is heard with a full table", answered(), &());
    expect("and an echo comes back", echoed(), &());
    let looks: [(&str, &dyn Fn() -> bool); 2] = [("management", &answered), ("echo", &echoed)];
    for (rule, heard) in looks {
        for chain in ["raw", "own"] {
            crate::netlink::delete_rule(chain, rule, 0);
            fill();
            expect(
                &format!("without {chain}/{rule} it is not heard"),
                !heard(),
                &(),
            );
            ground.prepare();
            adjust(vgw.slot, vgw.space.as_fd(), &contract(0, 0)).unwrap();
        }
    }
    ground.track(before);
    drop((held, world));
    vgw.end();
    ground.prepare();
    match listener.accept() {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
    }
}
