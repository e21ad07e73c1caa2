//! The program itself: control socket at descriptor 3, readiness, end with init
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

mod client;
mod fake;

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use limen_channel::{Buffer, Channel};
use limen_proto::control::{Request, Verb};
use limen_proto::limits::CONTROL_FRAME;

#[test]
fn the_program_serves_and_ends_with_its_control_socket() {
    let (near, far) = Channel::<CONTROL_FRAME>::pair().unwrap();
    // The shell puts its input where init puts the control socket; std has no way to.
    let mut program = Command::new("sh")
        .args([
            "-c",
            "exec \"$0\" 3<&0 </dev/null",
            env!("CARGO_BIN_EXE_limen-mgmt"),
        ])
        .stdin(Stdio::from(OwnedFd::from(far)))
        .spawn()
        .unwrap();
    let mut buffer = Buffer::new();
    let (first, _) = near
        .receive::<Request>(&mut buffer)
        .unwrap()
        .expect("it lives");
    assert_eq!(first.verb, Verb::Ready);
    let stand = fake::Stand::around(near);
    let answer = client::get(&stand, &stand.pki.operator.client(), "/jolokia");
    assert_eq!(answer.status, 200);
    drop(stand);
    assert!(program.wait().unwrap().success());
}
