//! Prints `images/kernels.toml` with the newest kernels of the same Debian suites
//!
//! `cargo run -p limen-images --example kernels > new && mv new images/kernels.toml`, then the tests.

use limen_images::image::Builder;
use limen_images::kernel;

fn main() -> anyhow::Result<()> {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let fetcher = Builder::new(target, |line| eprintln!("{line}")).fetcher();
    print!("{}", kernel::update(&fetcher)?);
    Ok(())
}
