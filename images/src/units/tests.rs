use limen_proto::table::Role;

use super::{compile, parse, table};

const UNIT: &str = r#"
uplink = "eth0"
watchdog = "/dev/watchdog"
[[unit]]
name = "steward"
role = "steward"
command = ["/usr/lib/limen/bin/limen-steward"]
user = 900
network = "none"
memory = "32MiB"
processes = 8
restart = "always"
readiness = "notify"
ready-within-seconds = 10
stop-within-seconds = 5
"#;

fn refusal(units: &str, devices: &str) -> String {
    parse(units, devices, 0).map_or_else(|error| format!("{error:#}"), |_| "accepted".to_owned())
}

#[test]
fn the_checked_in_tables_hold_and_compile() -> anyhow::Result<()> {
    let table = table(1_700_000_000)?;
    let has = |role| table.units.iter().any(|unit| unit.role == role);
    for role in [
        Role::Steward,
        Role::Broker,
        Role::Management,
        Role::Logger,
        Role::Install,
    ] {
        assert!(has(role), "{role:?}");
    }
    assert!(
        table
            .devices
            .iter()
            .any(|device| device.name.as_str() == "serial-p1")
    );
    assert!(compile(&table)?.len() < 4096);
    Ok(())
}

#[test]
fn the_boxs_own_rates_are_declared_or_not() -> anyhow::Result<()> {
    let table = parse(UNIT, "", 0)?;
    assert_eq!((table.upload, table.download, table.connections), (0, 0, 0));
    let declared = format!(
        "uplink-upload = \"20Mbit\"\nuplink-download = \"1Gbit\"\nconnections = 4096\n{UNIT}"
    );
    let table = parse(&declared, "", 0)?;
    assert_eq!(
        (table.upload, table.download, table.connections),
        (20_000_000, 1_000_000_000, 4096)
    );
    let wrong = format!("uplink-upload = \"20\"\n{UNIT}");
    assert!(refusal(&wrong, "").contains("uplink-upload"));
    Ok(())
}

#[test]
fn a_small_table_is_accepted() -> anyhow::Result<()> {
    let table = parse(UNIT, "", 7)?;
    let [unit] = table.units.as_slice() else {
        anyhow::bail!("one unit")
    };
    assert_eq!(
        (unit.limits.memory, unit.ready_within_ms, unit.capabilities),
        (32 << 20, 10_000, 0)
    );
    assert_eq!(table.built, 7);
    Ok(())
}

#[test]
fn every_rule_refuses_with_its_place() {
    let unit = |from: &str, to: &str| refusal(&UNIT.replace(from, to), "");
    let more = |text: &str| refusal(&format!("{UNIT}{text}\n"), "");
    for (said, expected) in [
        (more("colour = 1"), "unknown field `colour`"),
        (unit("user = 900", "user = 0"), "between 900 and 999"),
        (unit("user = 900", "user = 65536"), "between 900 and 999"),
        (unit("processes = 8", "processes = 0"), "at least 1"),
        (unit("32MiB", "32MB"), "not an amount"),
        (unit("32MiB", "0MiB"), "not an amount"),
        (
            unit("/usr/lib/limen/bin/limen-steward", "limen-steward"),
            "absolute path",
        ),
        (unit("/usr/lib/limen/bin/", "/usr/../bin/"), "absolute path"),
        (
            unit("name = \"steward\"", "name = \"Steward\""),
            "unit Steward",
        ),
        (more("listen = 8443"), "no other program"),
        (more("environment = [\"PATH\"]"), "NAME=value"),
        (
            more("capabilities = [{ name = \"sys-admin\", reason = \"x\" }]"),
            "no core unit may have",
        ),
        (
            more("capabilities = [{ name = \"net-admn\", reason = \"x\" }]"),
            "no capability",
        ),
        (
            more("capabilities = [{ name = \"net-admin\", reason = \" \" }]"),
            "without a reason",
        ),
        (
            more(
                "binds = [{ from = \"/data/x\", writable = true, executable = true, reason = \"x\" }]",
            ),
            "nothing may be both",
        ),
        (
            more("binds = [{ from = \"/usr/x\", writable = true, reason = \"x\" }]"),
            "read-only image",
        ),
        (
            more("binds = [{ from = \"/data/x\", executable = true, reason = \"x\" }]"),
            "from the image only",
        ),
        (
            more("[[link]]\nbetween = [\"steward\", \"broker\"]\nreason = \"x\""),
            "no unit has the role",
        ),
        (
            more("[[link]]\nbetween = [\"steward\", \"steward\"]\nreason = \"x\""),
            "two different roles",
        ),
        (
            refusal(
                &format!(
                    "{UNIT}{}",
                    UNIT.split_once("[[unit]]")
                        .map_or(String::new(), |(_, unit)| format!("[[unit]]{unit}"))
                ),
                "",
            ),
            "twice",
        ),
    ] {
        assert!(
            said.contains(expected),
            "expected \"{expected}\" in: {said}"
        );
    }
}

#[test]
fn devices_that_reach_the_box_are_refused() {
    let device = |node: &str, major: u32| {
        refusal(
            UNIT,
            &format!(
                "[[device]]\nclass = \"serial\"\nnode = \"{node}\"\nmajor = {major}\nminor = 64\nreason = \"x\"\n"
            ),
        )
    };
    assert_eq!(device("serial-p1", 4), "accepted");
    assert!(device("../mem", 4).contains("file name"));
    assert!(device("mem", 1).contains("reaches the box"));
    assert!(device("none", 0).contains("no device"));
}

#[test]
fn a_table_that_is_cut_or_longer_is_refused() -> anyhow::Result<()> {
    let table = parse(UNIT, "", 7)?;
    let whole = compile(&table)?;
    assert_eq!(limen_proto::table::read(&whole), Ok(table));
    for length in 0..whole.len() {
        let cut = whole.get(..length).unwrap_or_default();
        assert!(limen_proto::table::read(cut).is_err(), "{length} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(limen_proto::table::read(&longer).is_err());
    let crowded = [&[0xff, 0x7f], &whole[1..]].concat();
    assert!(limen_proto::table::read(&crowded).is_err());
    Ok(())
}
