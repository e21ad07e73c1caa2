//! An echo request from the world, as `ping` sends it

use std::net::SocketAddrV4;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, sockopt};

use crate::ground::{Ground, HOST, box_address};
use crate::reach::PATIENCE;

/// Whether the box answers one.
pub(crate) fn answers(ground: &Ground) -> bool {
    ground.world.inside(|| {
        // Sockets for this are for these groups; the walk is of the first.
        std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").unwrap();
        let icmp = Some(rustix::net::ipproto::ICMP);
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, icmp).unwrap();
        rustix::net::bind(&socket, &SocketAddrV4::new(HOST, 0)).unwrap();
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE)).unwrap();
        // Type, code, and what the kernel fills in.
        let request = [8, 0, 0, 0, 0, 0, 0, 1];
        let to = SocketAddrV4::new(box_address(), 0);
        let sent = rustix::net::sendto(&socket, &request, SendFlags::empty(), &to);
        sent.is_ok() && rustix::net::recv(&socket, &mut [0u8; 64][..], RecvFlags::empty()).is_ok()
    })
}
