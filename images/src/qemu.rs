//! The emulated box: what it is made of, and the emulator's command line for it
//!
//! Pure: a [`Configuration`] in, arguments out. A generic ARM board (`virt`) with a Cortex-A53, as in
//! home routers: two virtio disks named by serial, one network device behind the emulator's user
//! network, a PCI serial port for the meter, a hardware watchdog, the console in a file.
//!
//! All sockets and logs lie in the box's folder and are named relative to it, because a socket's path
//! may have 107 bytes only.

use std::fmt;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::image::Image;

/// Program of the host that emulates the box.
pub const PROGRAM: &str = "qemu-system-aarch64";
/// Least memory that a box is given, MiB: the kernel and the core alone need about half.
pub const LEAST_MEMORY: u32 = 128;
/// File names in the box's folder.
pub mod file {
    /// What the box writes to its console.
    pub const SERIAL_LOG: &str = "serial.log";
    /// The same of the run before.
    pub const SERIAL_LOG_BEFORE: &str = "serial.log.1";
    /// What the emulator has to say itself.
    pub const EMULATOR_LOG: &str = "qemu.log";
    /// Socket for orders to the emulator.
    pub const ORDERS: &str = "qmp.sock";
    /// Socket of the serial port that the meter reads.
    pub const METER: &str = "meter.sock";
    /// Process id of the emulator.
    pub const PROCESS: &str = "qemu.pid";
}

/// Transport of a forwarded port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A port of the host's loopback address that leads to a port of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Transport.
    pub transport: Transport,
    /// Port on 127.0.0.1.
    pub host: u16,
    /// Port of the box.
    pub guest: u16,
}

/// What the box's clock follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The host's: for people and tests.
    #[default]
    Host,
    /// The box's own instructions, one a nanosecond: for measuring.
    Instructions,
}

/// One box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// What it boots from.
    pub image: Image,
    /// Its data disk.
    pub data: PathBuf,
    /// Most bytes a second that its data disk takes, as a worn SD card; none is what the host's takes.
    pub disk_write_rate: Option<u32>,
    /// Memory, MiB.
    pub memory: u32,
    /// Processors.
    pub processors: u8,
    /// Ports of the host that lead inside.
    pub forwards: Vec<Forward>,
    /// Clock.
    pub clock: Clock,
    /// More words for the kernel's command line, for tests.
    pub kernel_words: Vec<String>,
    /// It is given random numbers: by the boot loader's tree, and by a device.
    pub seeded: bool,
    /// Folder of its sockets and logs, one box each.
    pub folder: PathBuf,
}

/// The kernel's command line; docs/reference/images.md says why each word is there.
const KERNEL_LINE: &str =
    "console=ttyAMA0 quiet loglevel=4 panic=-1 lsm=landlock,lockdown,yama psi=0 noautogroup";

/// The box cannot be emulated as described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too little memory.
    #[error("{0} MiB of memory are too few for the box; give it at least {LEAST_MEMORY}")]
    Memory(u32),
    /// A processor count that the board does not have.
    #[error("the board has 1 to 8 processors, not {0}")]
    Processors(u8),
    /// The same port of the host twice.
    #[error("port {0} of the host cannot lead to two ports of the box")]
    Port(u16),
}

impl Configuration {
    /// A box with 256 MiB and two processors.
    #[must_use]
    pub fn new(image: Image, data: PathBuf, folder: PathBuf) -> Self {
        Self {
            image,
            data,
            disk_write_rate: None,
            memory: 256,
            processors: 2,
            forwards: Vec::new(),
            clock: Clock::Host,
            kernel_words: Vec::new(),
            seeded: true,
            folder,
        }
    }

    /// Arguments for [`PROGRAM`], to be run in the box's folder.
    ///
    /// # Errors
    /// The description is contradictory.
    pub fn arguments(&self) -> Result<Vec<String>, Refused> {
        self.check()?;
        let mut arguments = Arguments(Vec::new());
        // Nothing that is not named here; a watchdog or a reboot of the box ends the emulator.
        arguments.flags(&["-nodefaults", "-no-user-config", "-no-reboot"]);
        arguments.pair("-name", "limen");
        arguments.pair("-display", "none");
        arguments.pair(
            "-machine",
            match self.seeded {
                true => "virt",
                false => "virt,dtb-randomness=off",
            },
        );
        arguments.pair("-cpu", "cortex-a53");
        arguments.pair("-smp", self.processors);
        arguments.pair("-m", self.memory);
        arguments.pair("-action", "watchdog=reset");
        if self.clock == Clock::Instructions {
            arguments.pair("-icount", "shift=0,sleep=off");
        }
        arguments.pair("-kernel", self.image.kernel.display());
        arguments.pair("-initrd", self.image.initramfs.display());
        arguments.pair("-append", self.kernel_line());
        arguments.disk("system", &self.image.system, ",readonly=on");
        // unmap: what the box frees, the sparse file gives back to the host. On its own clock the box
        // must not wait for the host's disk: it would see hours go by.
        let cache = match self.clock {
            Clock::Host => "writeback",
            Clock::Instructions => "unsafe",
        };
        let mut options = format!(",discard=unmap,cache={cache}");
        if let Some(rate) = self.disk_write_rate {
            options.push_str(&format!(",throttling.bps-write={rate}"));
        }
        arguments.disk("data", &self.data, &options);
        arguments.pair("-netdev", self.network());
        // romfile: no boot from the network, so the host need not have the firmware for it.
        arguments.pair("-device", "virtio-net-pci,netdev=wan,romfile=");
        arguments.pair(
            "-chardev",
            format!("file,id=console,path={}", file::SERIAL_LOG),
        );
        arguments.pair("-serial", "chardev:console");
        arguments.pair(
            "-chardev",
            format!("socket,id=meter,path={},server=on,wait=off", file::METER),
        );
        arguments.pair("-device", "pci-serial,chardev=meter");
        if self.seeded {
            arguments.pair("-device", "virtio-rng-pci");
        }
        arguments.pair("-device", "i6300esb");
        arguments.pair("-device", "virtio-keyboard-pci");
        arguments.pair("-qmp", format!("unix:{},server=on,wait=off", file::ORDERS));
        Ok(arguments.0)
    }

    fn check(&self) -> Result<(), Refused> {
        if self.memory < LEAST_MEMORY {
            return Err(Refused::Memory(self.memory));
        }
        if !(1..=8).contains(&self.processors) {
            return Err(Refused::Processors(self.processors));
        }
        let twice = |(place, one): (usize, &Forward)| {
            self.forwards[..place]
                .iter()
                .any(|other| (other.transport, other.host) == (one.transport, one.host))
        };
        match self.forwards.iter().enumerate().find(|entry| twice(*entry)) {
            Some((_, forward)) => Err(Refused::Port(forward.host)),
            None => Ok(()),
        }
    }

    fn kernel_line(&self) -> String {
        let mut line = KERNEL_LINE.to_owned();
        for word in &self.kernel_words {
            line.push(' ');
            line.push_str(word);
        }
        line
    }

    fn network(&self) -> String {
        let mut network = "user,id=wan".to_owned();
        for Forward {
            transport,
            host,
            guest,
        } in &self.forwards
        {
            network.push_str(&format!(",hostfwd={transport}:127.0.0.1:{host}-:{guest}"));
        }
        network
    }
}

struct Arguments(Vec<String>);

impl Arguments {
    fn flags(&mut self, flags: &[&str]) {
        self.0.extend(flags.iter().map(|flag| (*flag).to_owned()));
    }

    fn pair(&mut self, option: &str, value: impl fmt::Display) {
        self.0.extend([option.to_owned(), value.to_string()]);
    }

    fn disk(&mut self, name: &str, path: &Path, options: &str) {
        // The emulator splits at commas; a doubled one stands for itself.
        let path = path.display().to_string().replace(',', ",,");
        self.pair(
            "-drive",
            format!("if=none,id={name},format=raw,file={path}{options}"),
        );
        self.pair(
            "-device",
            format!("virtio-blk-pci,drive={name},serial=limen-{name}"),
        );
    }
}

/// A port of the host's loopback address that nobody listens on now.
///
/// # Errors
/// The host has none left.
pub fn free_port() -> std::io::Result<u16> {
    // Closed again at once: the emulator must bind it itself. Somebody else may be quicker, which
    // the emulator then says in its log.
    TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()
        .map(|address| address.port())
}

#[cfg(test)]
mod tests {
    use super::{Clock, Configuration, Forward, Refused, Transport};
    use crate::image::Image;
    use std::path::PathBuf;

    fn configuration() -> Configuration {
        let image = Image {
            kernel: PathBuf::from("/k/vmlinuz"),
            kernel_version: "6.1".to_owned(),
            initramfs: PathBuf::from("/k/initramfs"),
            system: PathBuf::from("/k/a,b.squashfs"),
        };
        Configuration::new(image, PathBuf::from("/d/data.img"), PathBuf::from("/d"))
    }

    fn line(configuration: &Configuration) -> String {
        configuration
            .arguments()
            .map_or_else(|error| error.to_string(), |words| words.join(" "))
    }

    #[test]
    fn the_line_has_every_device_of_the_box() {
        let line = line(&configuration());
        for part in [
            "-machine virt -cpu cortex-a53 -smp 2 -m 256",
            "file=/k/a,,b.squashfs,readonly=on",
            "serial=limen-system",
            "serial=limen-data",
            "-device pci-serial,chardev=meter",
            "-device i6300esb",
            "-device virtio-rng-pci",
            "panic=-1",
            "lsm=landlock,lockdown,yama",
            "-qmp unix:qmp.sock,server=on,wait=off",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(!line.contains("-icount"));
    }

    #[test]
    fn forwards_bind_to_loopback_only() {
        let mut box_ = configuration();
        box_.forwards.push(Forward {
            transport: Transport::Tcp,
            host: 9000,
            guest: 8443,
        });
        box_.forwards.push(Forward {
            transport: Transport::Udp,
            host: 9000,
            guest: 53,
        });
        assert!(line(&box_).contains(
            "user,id=wan,hostfwd=tcp:127.0.0.1:9000-:8443,hostfwd=udp:127.0.0.1:9000-:53"
        ));
        box_.forwards.push(Forward {
            transport: Transport::Tcp,
            host: 9000,
            guest: 80,
        });
        assert_eq!(box_.arguments(), Err(Refused::Port(9000)));
    }

    #[test]
    fn measuring_runs_on_the_instruction_clock() {
        let box_ = Configuration {
            clock: Clock::Instructions,
            ..configuration()
        };
        assert!(line(&box_).contains("-icount shift=0,sleep=off"));
    }

    #[test]
    fn a_box_without_a_seed_has_neither_source() {
        let box_ = Configuration {
            seeded: false,
            ..configuration()
        };
        let line = line(&box_);
        assert!(line.contains("dtb-randomness=off") && !line.contains("virtio-rng"));
    }

    #[test]
    fn impossible_boxes_are_refused_with_the_remedy() {
        assert_eq!(
            Configuration {
                memory: 64,
                ..configuration()
            }
            .arguments(),
            Err(Refused::Memory(64))
        );
        assert_eq!(
            Configuration {
                processors: 0,
                ..configuration()
            }
            .arguments(),
            Err(Refused::Processors(0))
        );
        assert!(Refused::Memory(64).to_string().contains("at least 128"));
    }
}
