//! Boots one image with the given programs and shows its console: for work on the early stage
//!
//! `cargo run -p limen-images --example boot -- KERNEL FOLDER-OF-PROGRAMS [MARKER]`: waits a minute
//! for the marker, or until the box ends by itself. `LIMEN_BOOT_INSTRUCTIONS` chooses the instruction
//! clock, `LIMEN_BOOT_MEMORY` the MiB, `LIMEN_BOOT_WORDS` one more word for the kernel.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use limen_images::disk::{self, Provision};
use limen_images::image::Builder;
use limen_images::qemu::{Clock, Configuration};

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [kernel, folder, rest @ ..] = words.as_slice() else {
        anyhow::bail!("usage: boot KERNEL FOLDER-OF-PROGRAMS [MARKER]");
    };
    let target =
        PathBuf::from(std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned()));
    let image = Builder::new(&target, |line| eprintln!("{line}"))
        .build(kernel, &programs(Path::new(folder))?)?;
    for (name, size) in image.sizes()? {
        eprintln!("{name}: {size} bytes");
    }
    let run = target.join("example-boot");
    let data = run.join("data.img");
    disk::ensure_disk(&data, 256 << 20, &provision(&run)?)?;
    let mut configuration = Configuration::new(image, data, run);
    if std::env::var_os("LIMEN_BOOT_INSTRUCTIONS").is_some() {
        configuration.clock = Clock::Instructions;
    }
    configuration
        .kernel_words
        .extend(std::env::var("LIMEN_BOOT_WORDS"));
    if let Ok(memory) = std::env::var("LIMEN_BOOT_MEMORY") {
        configuration.memory = memory
            .parse()
            .context("LIMEN_BOOT_MEMORY is not a number of MiB")?;
    }
    let mut machine = configuration.spawn()?;
    let limit = Duration::from_secs(60);
    let outcome = match rest {
        [marker, ..] => machine
            .wait_for(marker, limit)
            .map(|time| format!("marker after {time:?}")),
        [] => machine.wait(limit).map(|status| format!("ended: {status}")),
    };
    if outcome.is_ok() && !rest.is_empty() {
        eprintln!("in order: {:?}", machine.stop(limit));
    }
    print!("{}", std::fs::read_to_string(machine.serial_log())?);
    eprintln!("{}", outcome?);
    Ok(())
}

fn programs(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let named =
        |entry: std::fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path()));
    let is_program = |(name, path): &(String, PathBuf)| {
        name.starts_with("limen-") && !name.contains('.') && path.is_file()
    };
    Ok(entries
        .flatten()
        .filter_map(named)
        .filter(is_program)
        .collect())
}

/// Stand-ins: this example is not about certificates.
fn provision(folder: &Path) -> Result<Provision> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join("stand-in.pem");
    std::fs::write(&file, "not a certificate\n")?;
    Ok(Provision {
        operator_ca: file.clone(),
        gateway_certificate: file.clone(),
        gateway_key: file,
    })
}
