//! Denials explained: what was refused to a bundle, and the line that would allow it
//!
//! What the kernel logs (system calls), what it counts (limits, the link), and what manifest and
//! contract say about a path or a port. Landlock tells nothing before ABI 7, so paths are
//! explained by asking. Keys are those of the manifest, and those of the contract where the
//! operator must act. Of the link only the virtual gateway's sums are known.

use limen_proto::account::Counters;
use limen_proto::contract::{Contract, Wan};
use limen_proto::install::Summary;
use limen_proto::jail::Stored;
use limen_proto::manage::{About, Answer, Denial};
use limen_proto::spec::Storage;

use super::Steward;
use super::accounts::Payer;
use super::denials::Refusal;
use super::desired::{BundleRecord, VgwRecord};
use super::quantity::bytes;
use super::share::inodes;
use super::spec::volumes_of;
use super::turn::Turn;

const NOTHING: &str = "nothing would allow it";
const MAKER: &str = "run.jit = true in the manifest, with jit = true in the contract";

impl Steward {
    pub(super) fn explain(
        &mut self,
        turn: &mut Turn<'_>,
        vgw: &VgwRecord,
        bundle: &BundleRecord,
        about: &About,
    ) -> Answer {
        let denials = match about {
            About::Path(path) => vec![about_path(path, &bundle.summary)],
            About::Port(port) => vec![about_port(*port, &bundle.summary, &vgw.contract)],
            About::Refused => {
                // Counts as they are now.
                let _ = self.bundle_view(turn, vgw.slot, bundle.index);
                let _ = self.vgw_view(turn, vgw);
                let calls = self.denials.of(vgw.slot, bundle.index).iter().map(refused);
                let own = self.account(&Payer::Bundle(vgw.slot, bundle.index));
                let home = self.account(&Payer::Vgw(vgw.slot));
                let mut list: Vec<Denial> = calls.collect();
                list.extend(hits(&own.counted, Whose::Bundle));
                list.extend(hits(&home.counted, Whose::Vgw));
                list.extend(self.on_volumes(vgw, bundle));
                list.extend(self.on_disk(vgw));
                list.extend(self.on_link(vgw));
                list
            }
        };
        Answer::Denials(denials)
    }

    /// A virtual gateway's disk that is full. The kernel counts no refusals of a quota; less than a
    /// block or no file left is what they look like.
    fn on_disk(&self, vgw: &VgwRecord) -> Option<Denial> {
        let most = Storage {
            bytes: vgw.contract.disk,
            inodes: vgw.contract.inodes,
        };
        let (what, key) = match full(self.disk_of(vgw.slot), most)? {
            Full::Bytes => ("byte", "disk"),
            Full::Inodes => ("file", "inodes"),
        };
        Some(known(
            &format!("disk full: no {what} is left of the virtual gateway's"),
            1,
            format!("a larger {key} in the contract"),
        ))
    }

    /// The same of a bundle's volumes.
    fn on_volumes(&self, vgw: &VgwRecord, bundle: &BundleRecord) -> Option<Denial> {
        let most = Storage {
            bytes: volumes_of(&bundle.summary),
            inodes: inodes(volumes_of(&bundle.summary), &vgw.contract),
        };
        let stored = self.volumes_of(vgw.slot, bundle.index);
        if bundle.summary.volumes.is_empty() {
            return (stored != Stored::default()).then(|| {
                let remedy = "[[volumes]] in the manifest, within the contract's disk";
                known(
                    "no volume, so no file of its own in another's",
                    1,
                    remedy.to_owned(),
                )
            });
        }
        let has = match full(stored, most)? {
            Full::Bytes => format!("{} of {}", bytes(stored.bytes), bytes(most.bytes)),
            Full::Inodes => format!("{} of {} files", stored.inodes, most.inodes),
        };
        let names = bundle
            .summary
            .volumes
            .iter()
            .map(|volume| volume.name.as_str());
        Some(known(
            &format!("volumes full: they have {has}"),
            1,
            format!(
                "a larger size of [[volumes]] {} in the manifest, within the contract's disk",
                names.collect::<Vec<_>>().join(", ")
            ),
        ))
    }

    fn on_link(&self, vgw: &VgwRecord) -> Vec<Denial> {
        let refused = self.refused_of(vgw.slot);
        let rows = [
            (
                refused.forward,
                "packets to where the contract does not reach",
                "wan, destinations or lan in the contract",
            ),
            (
                refused.connections,
                "connections beyond the virtual gateway's share",
                "a larger connections in the contract",
            ),
            (
                refused.upload,
                "packets dropped by the shaper of its upload",
                "a larger upload in the contract",
            ),
            (
                refused.download,
                "packets dropped by the shaper of its download",
                "a larger download in the contract",
            ),
            (refused.input, "packets to the gateway itself", NOTHING),
            (
                refused.spoofed,
                "packets from an address that is not its own",
                NOTHING,
            ),
            (
                refused.foreign,
                "packets that are not IPv4, or for many receivers",
                NOTHING,
            ),
        ];
        let seen = rows.into_iter().filter(|(count, ..)| *count > 0);
        seen.map(|(count, what, remedy)| {
            known(
                &format!("{what} (all bundles of the virtual gateway)"),
                count,
                remedy.to_owned(),
            )
        })
        .collect()
    }
}

/// What is used up.
enum Full {
    Bytes,
    Inodes,
}

fn full(has: Stored, most: Storage) -> Option<Full> {
    /// What every file takes at least of ext4.
    const BLOCK: u64 = 4096;
    if has.bytes > 0 && most.bytes.saturating_sub(has.bytes) < BLOCK {
        Some(Full::Bytes)
    } else if has.inodes > 0 && has.inodes >= u64::from(most.inodes) {
        Some(Full::Inodes)
    } else {
        None
    }
}

fn known(what: &str, count: u64, remedy: String) -> Denial {
    Denial {
        what: what.to_owned(),
        count,
        first_ms: 0,
        last_ms: 0,
        remedy,
    }
}

fn refused(refusal: &Refusal) -> Denial {
    let (what, remedy) = match refusal.call {
        None => (
            "system call of another architecture: the program is ended".to_owned(),
            "the bundle's files for this box's architecture",
        ),
        Some(number) => {
            let name = syscalls::aarch64::Sysno::new(number as usize).map(|call| call.name());
            let remedy = match name {
                Some("mmap" | "mprotect" | "memfd_create") => MAKER,
                Some("clone3") => {
                    "nothing would; it answers that there is no such call, and libraries use clone"
                }
                Some("setuid" | "setgid" | "setresuid" | "setresgid" | "setgroups") => {
                    "nothing would; run.user in the manifest names the user to run as"
                }
                _ => NOTHING,
            };
            let name = name.map_or_else(|| number.to_string(), str::to_owned);
            (format!("system call {name}"), remedy)
        }
    };
    Denial {
        first_ms: refusal.first_ms,
        last_ms: refusal.last_ms,
        ..known(&what, refusal.count, remedy.to_owned())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Bundle,
    Vgw,
}

/// Limits that were met this month.
fn hits(counted: &Counters, whose: Whose) -> Vec<Denial> {
    let rows = [
        (
            counted.process_hits,
            "processes that were not made",
            "processes",
        ),
        (
            counted.oom_kills,
            "processes killed for want of memory",
            "memory",
        ),
        (counted.memory_max, "times at the memory limit", "memory"),
        (
            counted.memory_high,
            "times slowed for memory",
            "memory-high (limits.memory, where that is not set)",
        ),
        (
            counted.throttled,
            "windows of 100 ms in which the processor limit held it back",
            "cpu-percent",
        ),
    ];
    let met = rows.into_iter().filter(|(count, ..)| *count > 0);
    met.map(|(count, what, key)| match whose {
        Whose::Bundle => known(
            &format!("{what}, this month"),
            count,
            format!("a larger limits.{key} in the manifest, within the contract's"),
        ),
        Whose::Vgw => known(
            &format!("{what}, this month (all bundles of the virtual gateway)"),
            count,
            format!("a larger limits.{key} in the contract, where its own is what was met"),
        ),
    })
    .collect()
}

/// What manifest and recipe say about a path of the bundle's root.
fn about_path(path: &str, summary: &Summary) -> Denial {
    let under = |folder: &str| {
        let folder = folder.trim_end_matches('/');
        path.strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let volume = summary.volumes.iter().find(|volume| under(&volume.path));
    let climbs = path.split('/').any(|part| part == "..");
    let says = match volume {
        _ if !path.starts_with('/') || climbs => {
            "give an absolute path of the bundle's root, without ..".to_owned()
        }
        Some(volume) => format!(
            "volume {} is there: reading and writing are allowed, executing is not, and {NOTHING}",
            volume.name
        ),
        None if under("/tmp") && summary.temporary > 0 => {
            format!("/tmp is there: reading and writing are allowed, executing is not, and {NOTHING}")
        }
        None if under("/tmp") => "limits.temporary in the manifest makes a /tmp".to_owned(),
        None if under("/dev") => {
            "null, zero, full, random and urandom are there; a [[devices]] entry in the manifest, with \
             its class under devices in the contract, adds its node"
                .to_owned()
        }
        None if under("/proc") => {
            format!("only the bundle's own processes are shown there, and {NOTHING} more")
        }
        None if under("/run/limen") => {
            "the broker's and the readiness socket are there, and nothing would add to them".to_owned()
        }
        None if under("/sys") => format!("it is not there, and {NOTHING}"),
        None => {
            "reading and executing are allowed of what the bundle holds; a [[volumes]] entry with this \
             path in the manifest would allow writing, and never executing"
                .to_owned()
        }
    };
    known(&format!("path {path}"), 0, says)
}

/// What manifest and contract say about a port.
fn about_port(port: u16, summary: &Summary, contract: &Contract) -> Denial {
    let inward = match (
        summary.ports.iter().find(|(_, _, inside)| *inside == port),
        contract.publish.iter().find(|publish| publish.inside == port),
    ) {
        (_, Some(publish)) => format!("published as port {} of the box", publish.outside),
        (Some((name, ..)), None) => {
            format!("port {name} of the manifest; an entry of publish in the contract would publish it")
        }
        (None, None) => {
            "not published; a [[ports]] entry in the manifest and publish in the contract would do it"
                .to_owned()
        }
    };
    let lists = [&contract.destinations[..], &contract.lan[..]];
    let listed: Vec<String> = lists
        .into_iter()
        .flatten()
        .filter(|destination| destination.port == 0 || destination.port == port)
        .map(|destination| destination.network.to_string())
        .collect();
    let mut outward = match contract.wan {
        Wan::All => "to any address beyond the uplink".to_owned(),
        Wan::None | Wan::Listed if listed.is_empty() => {
            "nowhere; wan, destinations or lan in the contract would allow it".to_owned()
        }
        Wan::None | Wan::Listed => String::new(),
    };
    if !listed.is_empty() {
        if !outward.is_empty() {
            outward.push_str(" and ");
        }
        outward.push_str(&format!("to {}", listed.join(", ")));
    }
    known(
        &format!("port {port}"),
        0,
        format!("inward: {inward}; outward: {outward}"),
    )
}

#[cfg(test)]
mod tests {
    use limen_proto::jail::{Found, Refused, Stored};
    use limen_proto::manage::Verb;

    use super::*;
    use crate::core::tests::house::*;
    use crate::core::turn::Input;

    #[test]
    fn a_path_is_explained_by_the_manifest() {
        let mut summary = summary("web", 1);
        summary.volumes = vec![volume("data")];
        for (path, part) in [
            ("/data", "volume data"),
            ("/data/x/y", "volume data"),
            ("/database", "[[volumes]]"),
            ("/tmp/x", "limits.temporary"),
            ("/dev/ttyS0", "[[devices]]"),
            ("/proc/1", "nothing would allow it"),
            ("/etc/passwd", "[[volumes]]"),
            ("/data/../etc", "without .."),
            ("data", "absolute"),
        ] {
            let said = about_path(path, &summary);
            assert!(said.remedy.contains(part), "{path}: {}", said.remedy);
            assert_eq!(said.count, 0);
        }
    }

    #[test]
    fn a_port_is_explained_by_both() {
        let mut summary = summary("web", 1);
        let mut contract = contract();
        let said =
            |summary: &Summary, contract: &Contract| about_port(80, summary, contract).remedy;
        assert!(said(&summary, &contract).contains("[[ports]]"));
        assert!(said(&summary, &contract).contains("nowhere"));
        summary.ports = vec![(name("http"), limen_proto::contract::Protocol::Tcp, 80)];
        assert!(said(&summary, &contract).contains("an entry of publish"));
        contract.publish = heapless::Vec::from_slice(&[publish(8080)]).unwrap();
        contract.wan = Wan::All;
        let both = said(&summary, &contract);
        assert!(both.contains("port 8080 of the box"), "{both}");
        assert!(both.contains("any address"), "{both}");
    }

    #[test]
    fn a_refused_call_has_its_name_and_its_line() {
        let one = |call| Refusal {
            call,
            count: 3,
            first_ms: 1,
            last_ms: 2,
        };
        let denied = refused(&one(Some(40)));
        assert_eq!(
            (denied.what.as_str(), denied.remedy.as_str()),
            ("system call mount", NOTHING)
        );
        assert_eq!((denied.count, denied.first_ms, denied.last_ms), (3, 1, 2));
        assert!(refused(&one(Some(226))).remedy.contains("run.jit"));
        assert_eq!(refused(&one(Some(9999))).what, "system call 9999");
        assert!(refused(&one(None)).what.contains("architecture"));
    }

    fn denials(house: &mut House, of: &str) -> Vec<Denial> {
        let verb = Verb::ExplainBundle {
            name: name("web"),
            about: About::Refused,
        };
        match house.call(provider(of), verb) {
            Ok(Answer::Denials(denials)) => denials,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bundles_denials_are_its_own_and_go_with_it() {
        let mut house = House::inhabited();
        house.install("energy", summary("web", 1)).unwrap();
        house.install("alarm", summary("web", 1)).unwrap();
        assert_eq!(denials(&mut house, "energy"), []);
        let (slot, index) = (slot(1), limen_proto::id::BundleIndex::new(0).unwrap());
        for _ in 0..3 {
            house.feed(Input::CallRefused {
                uid: index.outer_id(slot),
                call: 40,
                native: true,
            });
        }
        house.disk.counters.insert(
            bundle_unit(1, 0),
            Counters {
                oom_kills: 2,
                throttled: 5,
                ..Counters::default()
            },
        );
        let life = house.units[&vgw_unit(1)].unit;
        let found = Found {
            disk: Stored {
                bytes: contract().disk,
                inodes: 1,
            },
            refused: Refused {
                connections: 4,
                ..Refused::default()
            },
            ..Found::default()
        };
        house.feed(Input::Counted(life, found));
        let seen = denials(&mut house, "energy");
        let row = |part: &str| {
            let mut rows = seen.iter().filter(|row| row.what.contains(part));
            rows.next().unwrap_or_else(|| panic!("{part} in {seen:?}"))
        };
        assert_eq!(row("system call mount").count, 3);
        assert_eq!(row("killed for want of memory").count, 2);
        assert!(row("held it back").remedy.contains("limits.cpu-percent"));
        assert_eq!(row("connections").count, 4);
        assert!(row("disk full").remedy.contains("disk in the contract"));
        assert_eq!(denials(&mut house, "alarm"), [], "a neighbour has its own");
        let verb = Verb::UninstallBundle {
            name: name("web"),
            keep_volumes: false,
        };
        house.call(provider("energy"), verb).unwrap();
        house.install("energy", summary("web", 2)).unwrap();
        let left = denials(&mut house, "energy");
        assert!(
            left.iter().all(|row| !row.what.contains("system call")),
            "{left:?}"
        );
    }
}
