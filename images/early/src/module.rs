//! Kernel modules: load what the image lists, in its order, then no more
//!
//! The image's builder has resolved dependencies, decompressed the files and written `/modules.list`:
//! one line per module, its file below `/modules` and its parameters. So nothing is searched for or
//! unpacked here. Each file is removed once loaded, which gives its memory back.
//!
//! A module that does not load is reported and passed over: the step that needs it fails with the
//! better message, and the missing names are part of it.

use std::fs::{self, File};

use rustix::io::Errno;

use crate::console;
use crate::fault::Fault;

const LIST: &str = "/modules.list";
const FOLDER: &str = "/modules";

/// Names of listed modules that the kernel refused.
pub(crate) type Missing = Vec<String>;

/// Loads every listed module. Already loaded or built in counts as loaded.
pub(crate) fn load_all() -> Result<Missing, Fault> {
    let list = fs::read_to_string(LIST).map_err(|error| {
        Fault::io("read", LIST, &error)
            .remedy("the initramfs was built wrong: build the image again")
    })?;
    let mut missing = Missing::new();
    for (file, parameters) in entries(&list) {
        if let Err(errno) = load(file, parameters) {
            console::error(&format!(
                "module {file} did not load: {errno} (kernel log has the reason)"
            ));
            missing.push(file.to_owned());
        }
    }
    Ok(missing)
}

/// Refuses all further modules until the next boot: from here on the kernel's code is fixed.
pub(crate) fn lock() -> Result<(), Fault> {
    const SWITCH: &str = "/proc/sys/kernel/modules_disabled";
    fs::write(SWITCH, "1").map_err(|error| Fault::io("write 1 to", SWITCH, &error))
}

fn entries(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
}

fn load(file: &str, parameters: &str) -> Result<(), Errno> {
    let path = format!("{FOLDER}/{file}");
    let module =
        File::open(&path).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let parameters = std::ffi::CString::new(parameters).map_err(|_| Errno::INVAL)?;
    match rustix::system::finit_module(&module, &parameters, 0) {
        Ok(()) | Err(Errno::EXIST) => {
            // Memory only: a file that stays is no fault.
            let _ = fs::remove_file(&path);
            Ok(())
        }
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn the_list_keeps_order_and_parameters() {
        let list = "virtio_pci.ko\n\n i6300esb.ko heartbeat=30 nowayout=1 \n";
        let read: Vec<_> = entries(list).collect();
        assert_eq!(
            read,
            [
                ("virtio_pci.ko", ""),
                ("i6300esb.ko", "heartbeat=30 nowayout=1")
            ]
        );
    }
}
