use super::*;

const SMALLEST: &str = r#"format = 1
name = "web"
version = "1.0.0"
provider = "energy"
counter = 0
[run]
command = ["/bin/server"]
readiness = "exec"
[limits]
memory = "16MiB"
processes = 16
"#;

fn tree() -> String {
    let digest = "ab".repeat(32);
    format!(
        "[architectures.aarch64]\nindex = \"{digest}\"\nindex-size = 100\nunpacked-size = 5\nentries = 4\n"
    )
}

fn refused(text: &str) -> String {
    Manifest::draft(text.as_bytes())
        .expect_err(text)
        .to_string()
}

#[test]
fn the_smallest_manifest_gets_the_documented_defaults() {
    let manifest = Manifest::draft(SMALLEST.as_bytes()).expect("valid");
    assert_eq!(
        (manifest.run.ready_within, manifest.run.stop_within),
        (30, 5)
    );
    assert_eq!(manifest.limits.temporary.bytes(), 1 << 20);
    assert_eq!(manifest.limits.cpu_percent, None);
    let expected = Restart {
        enable: true,
        minimum_wait: 1,
        maximum_wait: 60,
        multiplier: 2000,
        reset: 300,
        retries: 10,
    };
    assert_eq!(manifest.restart, expected);
}

#[test]
fn every_limit_and_wish_is_read() {
    let text = SMALLEST
        .replace(
            "readiness",
            "user = \"mosquitto\"\njit = true\nspare = true\nreadiness",
        )
        .replace(
            "processes = 16",
            "processes = 16\ncpu-percent = 20\ncpu-burst-ms = 20\nmemory-high = \"16MiB\"\n\
             descriptors = 64\nread-rate = \"1MiB\"\nwrite-rate = \"64KiB\"",
        );
    let manifest = Manifest::draft(text.as_bytes()).expect("valid");
    let (run, limits) = (&manifest.run, &manifest.limits);
    assert_eq!(
        run.user.as_ref().map(ToString::to_string).as_deref(),
        Some("mosquitto")
    );
    assert!(run.jit && run.spare);
    assert_eq!((limits.cpu_burst_ms, limits.descriptors), (20, 64));
    let rates = [limits.memory_high, limits.read_rate, limits.write_rate];
    assert_eq!(
        rates.map(|rate| rate.map(Size::bytes)),
        [Some(16 << 20), Some(1 << 20), Some(64 << 10)]
    );
}

#[test]
fn architectures_are_there_exactly_when_packed() {
    let packed = format!("{SMALLEST}{}", tree());
    let manifest = Manifest::parse(packed.as_bytes()).expect("valid");
    assert_eq!(manifest.architectures.len(), 1);
    assert!(refused(&packed).contains("`architectures` is written by packing"));
    let unpacked = Manifest::parse(SMALLEST.as_bytes())
        .expect_err("not packed")
        .to_string();
    assert!(unpacked.contains("packing adds them"), "{unpacked}");
}

#[test]
fn shape_errors_name_the_line_and_the_key() {
    for (from, to, expected) in [
        (
            "counter = 0",
            "counter = 0\ncolour = 1",
            "line 6: unknown field `colour`",
        ),
        (
            "processes = 16",
            "processes = 16\nmemroy = 1",
            "line 12: unknown field `memroy`",
        ),
        (
            "counter = 0",
            "counter = 0\ncounter = 1",
            "line 6: duplicate key",
        ),
        ("counter = 0\n", "", "missing field `counter`"),
        ("counter = 0", "counter = -1", "line 5"),
        ("counter = 0", "counter = \"0\"", "line 5"),
        ("counter = 0", "Counter = 0", "unknown field `Counter`"),
        ("[limits]", "[Limits]", "unknown field `Limits`"),
        ("format = 1\n", "", "missing field `format`"),
        ("format = 1", "format = 2", "format 2 is unknown here"),
        ("[run]", "[run", "line 6"),
    ] {
        let error = refused(&SMALLEST.replacen(from, to, 1));
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn texts_with_invisible_differences_are_refused() {
    assert!(refused(&SMALLEST.replace('\n', "\r\n")).contains("carriage returns"));
    assert!(refused(&format!("\u{feff}{SMALLEST}")).contains("byte order mark"));
    assert!(refused(&SMALLEST.replace("web", "w\u{7}b")).contains("control characters"));
    assert!(refused(&SMALLEST.replace("web", "w\u{85}b")).contains("control characters"));
    assert!(Manifest::draft(&[SMALLEST.as_bytes(), b"# \xff"].concat()).is_err());
    assert!(refused(&format!("{SMALLEST}#{}", " ".repeat(70_000))).contains("64 KiB"));
    // Blanks in front of a key are TOML and hide nothing: the line is read, not skipped.
    assert!(
        refused(&SMALLEST.replace("counter = 0", "  counter = 0\n  colour = 1")).contains("colour")
    );
}

#[test]
fn values_are_refused_with_their_key_and_a_remedy() {
    for (from, to, expected) in [
        ("\"web\"", "\"Web\"", "`name` is wrong"),
        ("\"energy\"", "\"en.ergy\"", "`provider` is wrong"),
        ("\"energy\"", "\"еnergy\"", "`provider` is wrong"),
        (
            "\"1.0.0\"",
            "\"1.0\"",
            "`version` is not a semantic version",
        ),
        ("[\"/bin/server\"]", "[]", "`run.command` is empty"),
        (
            "readiness",
            "user = \"a b\"\nreadiness",
            "`run.user` is wrong: a user is a name",
        ),
        (
            "readiness",
            "user = \"101\"\nreadiness",
            "`run.user` is wrong: a user is a name, not a number",
        ),
        (
            "processes = 16",
            "processes = 16\ncpu-burst-ms = 1",
            "`limits.cpu-burst-ms` needs limits.cpu-percent",
        ),
        (
            "processes = 16",
            "processes = 16\ncpu-percent = 20\ncpu-burst-ms = 21",
            "`limits.cpu-burst-ms` is 21; with limits.cpu-percent 20",
        ),
        (
            "processes = 16",
            "processes = 16\nmemory-high = \"17MiB\"",
            "`limits.memory-high` is above limits.memory",
        ),
        (
            "processes = 16",
            "processes = 16\ndescriptors = 63",
            "`limits.descriptors` is 63, outside of 64 to 1048576",
        ),
        (
            "processes = 16",
            "processes = 16\nread-rate = \"0MiB\"",
            "`limits.read-rate` is wrong",
        ),
        ("\"/bin/server\"", "\"bin/server\"", "absolute path"),
        ("\"/bin/server\"", "\"/bin/../server\"", "absolute path"),
        (
            "\"/bin/server\"",
            "\"/bin/server\", \"a\\u0000b\"",
            "`run.command` is wrong",
        ),
        (
            "\"exec\"",
            "\"ready\"",
            "`run.readiness` is \"exec\" or \"notify\"",
        ),
        (
            "\"exec\"",
            "\"exec\"\nready-within-seconds = 0",
            "outside of 1 to 600",
        ),
        (
            "\"exec\"",
            "\"exec\"\nenvironment = { NOTIFY_SOCKET = \"x\" }",
            "is set by the gateway",
        ),
        (
            "\"exec\"",
            "\"exec\"\nenvironment = { \"a b\" = \"x\" }",
            "is not a variable's name",
        ),
        ("\"16MiB\"", "\"16MB\"", "`limits.memory` is wrong"),
        ("processes = 16", "processes = 0", "outside of 1 to 4096"),
        (
            "[limits]",
            "[restart]\nminimum-wait-seconds = 90\n[limits]",
            "below the minimum wait",
        ),
    ] {
        let error = refused(&SMALLEST.replacen(from, to, 1));
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn tables_are_refused_when_they_contradict_themselves() {
    let volume = |name: &str, path: &str| {
        format!("[[volumes]]\nname = \"{name}\"\npath = \"{path}\"\nsize = \"1MiB\"\n")
    };
    let port = |name: &str, inside: u32| {
        format!("[[ports]]\nname = \"{name}\"\nprotocol = \"tcp\"\ninside = {inside}\n")
    };
    let import = "[[imports]]\ninterface = \"energy.meter\"\nversion = \"1.0\"\n";
    for (tables, expected) in [
        (
            volume("a", "/var/a") + &volume("a", "/var/b"),
            "`volumes.name` is used twice",
        ),
        (
            volume("a", "/var/a") + &volume("b", "/var/a"),
            "`volumes.path` is used twice",
        ),
        (
            volume("a", "/var/a") + &volume("b", "/var/a/b"),
            "lies inside",
        ),
        (volume("a", "/tmp"), "cannot hold a volume"),
        (
            volume("a", &format!("/{}", "x".repeat(96))),
            "longer than 96",
        ),
        (
            (0..5)
                .map(|n| volume(&format!("v{n}"), &format!("/v{n}")))
                .collect(),
            "`volumes` has more than 4",
        ),
        (
            port("a", 80) + &port("b", 80),
            "`ports.inside` is used twice",
        ),
        (port("a", 80) + &port("a", 81), "`ports.name` is used twice"),
        (port("a", 0), "`ports[0].inside` is a port"),
        (import.repeat(2), "`imports.interface` is used twice"),
        (import.replace("1.0", "1"), "is two numbers"),
        (import.replace("1.0", "01.0"), "is two numbers"),
        (
            import.replace("energy.meter", "Energy"),
            "`imports[0].interface` is wrong",
        ),
        (
            "[[devices]]\nclass = \"Tty\"\n".to_owned(),
            "`devices[0].class` is wrong",
        ),
    ] {
        let error = refused(&format!("{SMALLEST}{tables}"));
        assert!(error.contains(expected), "{tables}: {error}");
    }
}

#[test]
fn an_architecture_binds_its_index_completely() {
    for (from, to, expected) in [
        ("aarch64", "mips", "not an architecture"),
        ("aarch64", "AArch64", "not an architecture"),
        ("abab\"", "ab\"", "`architectures.aarch64.index` is wrong"),
        ("abab\"", "abAB\"", "`architectures.aarch64.index` is wrong"),
        ("index-size = 100", "index-size = 0", "outside of"),
        ("index-size = 100", "index-size = 9000000", "outside of"),
        ("index-size = 100", "index-size = 4294967396", "line 14"),
        (
            "unpacked-size = 5",
            "unpacked-size = 4294967297",
            "above 4 GiB",
        ),
        ("entries = 4", "entries = 65537", "outside of"),
        ("entries = 4\n", "", "missing field `entries`"),
    ] {
        let text = format!("{SMALLEST}{}", tree().replacen(from, to, 1));
        let error = Manifest::parse(text.as_bytes()).expect_err(to).to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
}
