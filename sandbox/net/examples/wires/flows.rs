//! Flows: connections that outlive the right to them, and links that go while they are used

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsFd;

use limen_net::{adjust, counters};
use limen_proto::contract::{Contract, Protocol, Publish};

use crate::expect;
use crate::ground::{Ground, HOST, Vgw, box_address, contract};
use crate::reach::{PATIENCE, SERVICE, reaches};
use crate::space::Space;

/// A connection from the world to a published port: outer end, inner end.
pub(crate) fn published(
    ground: &Ground,
    inside: &TcpListener,
    port: u16,
) -> (TcpStream, TcpStream) {
    let to = SocketAddrV4::new(box_address(), port).into();
    let outer = ground.world.inside(|| from_host(&to)).unwrap();
    let inner = inside.accept().unwrap().0;
    for end in [&outer, &inner] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (outer, inner)
}

/// Connects from the world's ordinary address. The one that its link would choose is the box's own.
pub(crate) fn from_host(to: &SocketAddr) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType};
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(HOST, 0))?;
    rustix::net::sockopt::set_socket_timeout(
        &socket,
        rustix::net::sockopt::Timeout::Send,
        Some(PATIENCE),
    )?;
    rustix::net::connect(&socket, to)?;
    Ok(socket.into())
}

/// Whether a word passes from one end to the other.
fn passes(from: &mut TcpStream, to: &mut TcpStream) -> bool {
    let mut word = [0; 4];
    from.write_all(b"word").is_ok() && matches!(to.read(&mut word), Ok(4))
}

/// Connections of a port that is no longer published are cut, and no others; a slot's next tenant
/// hears nothing of the last one's.
pub(crate) fn flows_are_cut(ground: &Ground) {
    let publish = |outside, inside| Publish {
        protocol: Protocol::Tcp,
        outside,
        inside,
    };
    let serving = |ports: &[Publish]| Contract {
        publish: ports.iter().copied().collect(),
        ..contract(0, 0)
    };
    let both = [publish(8080, 80), publish(8081, 81)];
    let vgw = Vgw::new(1, &serving(&both));
    let listen = |space: &Space, port| {
        space.inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap())
    };
    let (first, second) = (listen(&vgw.space, 80), listen(&vgw.space, 81));
    let mut kept = published(ground, &first, 8080);
    let mut cut = published(ground, &second, 8081);
    expect(
        "both ports serve",
        passes(&mut kept.0, &mut kept.1) && passes(&mut cut.0, &mut cut.1),
        &(),
    );

    // Something that has nothing to do with the network.
    let mut same = serving(&both);
    same.limits.memory = 1 << 20;
    adjust(vgw.slot, vgw.space.as_fd(), &same).unwrap();
    expect(
        "an adjustment cuts nothing by the way",
        passes(&mut cut.0, &mut cut.1),
        &(),
    );

    let fewer = serving(&both[..1]);
    adjust(vgw.slot, vgw.space.as_fd(), &fewer).unwrap();
    expect(
        "an unpublished port's connection is cut",
        !passes(&mut cut.0, &mut cut.1),
        &(),
    );
    expect("in both directions", !passes(&mut cut.1, &mut cut.0), &());
    expect(
        "the other port's is not",
        passes(&mut kept.0, &mut kept.1),
        &(),
    );
    expect("nor answers on it", passes(&mut kept.1, &mut kept.0), &());

    let Vgw { slot, .. } = vgw;
    limen_net::destroy(slot).unwrap();
    let next = Vgw::new(1, &contract(0, 0));
    let _ = kept.0.write_all(b"late");
    std::thread::sleep(PATIENCE);
    let heard = counters(next.slot, None).unwrap().received.packets;
    expect(
        "the slot's next tenant hears nothing of it",
        heard == 0,
        &heard,
    );
    next.end();
}

/// Case B-20: a link that is there already, one that goes while it is used, one that never was.
pub(crate) fn links_fail_cleanly(ground: &Ground) {
    let _world = ground
        .world
        .inside(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, SERVICE)).unwrap());
    let wish = contract(1_000_000, 1_000_000);
    let vgw = Vgw::new(1, &wish);
    let again = limen_net::build(vgw.slot, Space::fresh().as_fd(), &wish, false);
    let named = again.is_err_and(|fault| fault.operation == "create link");
    expect("a second link of a slot is refused", named, &());
    expect("and the first one stays", reaches(&vgw, HOST, SERVICE), &());
    crate::netlink::delete(1001);
    expect(
        "a link that was deleted reaches nothing",
        !reaches(&vgw, HOST, SERVICE),
        &(),
    );
    let change = adjust(vgw.slot, vgw.space.as_fd(), &contract(2_000_000, 0));
    expect("and cannot be adjusted", change.is_err(), &change);
    let gone = counters(vgw.slot, None);
    expect("nor counted", gone.is_err(), &gone);
    vgw.end();
    let vgw = Vgw::new(1, &wish);
    expect("but made again", reaches(&vgw, HOST, SERVICE), &());
    vgw.end();
    let absent = limen_net::destroy(crate::ground::slot(9));
    expect(
        "what never was is destroyed in peace",
        absent.is_ok(),
        &absent,
    );
}
