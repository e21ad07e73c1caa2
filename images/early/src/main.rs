//! The early stage: from the initramfs to the real root

fn main() {}
