//! limenctl against the real endpoint, end to end, with a steward in memory
//!
//! The program is run as a person runs it; the endpoint, its TLS and its protocol are the ones of the
//! box. Only what lies behind the steward is made up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

#[path = "../../mgmt/tests/fake/mod.rs"]
mod fake;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fake::Stand;
use fake::pki::Identity;
use limen_proto::manage::{Caller, Verb};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A stand and a folder with everybody's files.
struct Desk {
    stand: Stand,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            stand: Stand::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        let pki = &desk.stand.pki;
        fs::write(desk.path("ca.pem"), &pki.gateway.certificate).unwrap();
        desk.keep("operator", &pki.operator.client());
        desk.keep("energy", &pki.energy.client());
        desk.keep("alarm", &pki.alarm.client());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keep(&self, name: &str, identity: &Identity) {
        fs::write(self.path(&format!("{name}.pem")), &identity.certificate).unwrap();
        fs::write(self.path(&format!("{name}.key")), &identity.key).unwrap();
    }

    fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_limenctl"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LIMEN_URL", self.stand.url())
            .env("LIMEN_CA", self.path("ca.pem"))
            .env("LIMEN_CERT", self.path(&format!("{who}.pem")))
            .env("LIMEN_KEY", self.path(&format!("{who}.key")));
        command
    }

    fn run(&self, who: &str, arguments: &[&str]) -> Output {
        self.command(who, arguments).output().unwrap()
    }

    fn good(&self, who: &str, arguments: &[&str]) -> String {
        let output = self.run(who, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", error(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, who: &str, arguments: &[&str]) -> Value {
        let all: Vec<&str> = std::iter::once("--json")
            .chain(arguments.iter().copied())
            .collect();
        let text = self.good(who, &all);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
    }

    /// Fails with this exit code and says all of these.
    fn bad(&self, who: &str, arguments: &[&str], code: i32, words: &[&str]) {
        refused(&self.run(who, arguments), code, words);
    }

    fn called(&self, who: &Caller, verb: &Verb) -> bool {
        let calls = self.stand.steward.calls.lock().unwrap();
        calls
            .iter()
            .any(|(caller, called)| caller == who && called == verb)
    }
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn refused(output: &Output, code: i32, words: &[&str]) {
    let said = error(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "\"{word}\" is not in: {said}");
    }
    assert!(
        output.stdout.is_empty(),
        "a failure prints nothing on standard output"
    );
}

fn provider(name: &str) -> Caller {
    Caller::Provider(name.parse().unwrap())
}

#[test]
fn each_caller_sees_its_own_world() {
    let desk = Desk::new();
    let names = |who, noun| -> Vec<String> {
        let list = desk.json(who, &[noun, "list"]);
        let key = if noun == "vgw" { "provider" } else { "name" };
        list.as_array()
            .unwrap()
            .iter()
            .map(|entry| entry[key].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("operator", "vgw"), ["energy", "alarm"]);
    assert_eq!(names("alarm", "vgw"), ["alarm"]);
    assert_eq!(names("energy", "bundle"), ["web", "meter"]);
    assert_eq!(names("alarm", "bundle"), ["presence"]);
    assert_eq!(names("operator", "bundle"), [""; 0]);
    let table = desk.good("operator", &["vgw", "list"]);
    assert!(
        table.starts_with("PROVIDER") && table.contains("100.96.0.2"),
        "{table}"
    );
    assert!(table.contains("3 MiB of 64 MiB"), "{table}");
    let shown = desk.good("alarm", &["vgw", "show"]);
    assert!(
        shown.contains("landlock-abi 6") && shown.contains("tcp 8080 to 80"),
        "{shown}"
    );
    let exact = desk.json("energy", &["vgw", "show"]);
    assert_eq!(exact["cpu-usage"], json!(9_007_199_254_740_993_u64));
}

#[test]
fn a_virtual_gateway_is_made_limited_and_removed() {
    let desk = Desk::new();
    let key = limen_bundle::sign::keygen(&desk.path("acme.sign"), None).unwrap();
    let authority = fake::pki::Authority::new("acme");
    fs::write(desk.path("acme-ca.pem"), &authority.certificate).unwrap();
    fs::write(
        desk.path("contract.toml"),
        "disk = \"64MiB\"\nupload = \"10Mbit\"\ndownload = \"10Mbit\"\n[limits]\nmemory = \"32MiB\"\n",
    )
    .unwrap();
    let create = [
        "vgw",
        "create",
        "acme",
        "--contract",
        "contract.toml",
        "--authority",
        "acme-ca.pem",
        "--signing-key",
        "acme.sign.pub",
        "--publish",
        "tcp:8081:80",
        "--cpu-percent",
        "20",
    ];
    let made = desk.json("operator", &create);
    assert_eq!(
        (&made["provider"], &made["state"]),
        (&json!("acme"), &json!("Active"))
    );
    assert_eq!(made["contract"]["limits"]["memory"], json!(32 << 20));
    assert_eq!(
        made["published"],
        json!([{"protocol": "tcp", "outside": 8081, "inside": 80}])
    );
    {
        let calls = desk.stand.steward.calls.lock().unwrap();
        let keys = calls.iter().find_map(|(_, verb)| match verb {
            Verb::CreateVgw {
                keys,
                authority: pem,
                ..
            } => Some((keys.clone(), pem.clone())),
            _ => None,
        });
        assert_eq!(
            keys.unwrap(),
            (vec![key.line().to_owned()], authority.certificate.clone())
        );
    }
    desk.bad(
        "operator",
        &create,
        1,
        &["exists already", "remove it first"],
    );
    desk.bad("energy", &create, 1, &["only the operator", "--cert"]);
    let large = [
        "vgw",
        "create",
        "big",
        "--memory",
        "2GiB",
        "--disk",
        "1MiB",
        "--authority",
        "acme-ca.pem",
        "--signing-key",
        "acme.sign.pub",
    ];
    desk.bad("operator", &large, 1, &["256 MiB", "ask for less"]);
    desk.good("operator", &["vgw", "limit", "acme", "--memory", "48MiB"]);
    desk.good("operator", &["vgw", "stop", "acme"]);
    desk.bad("operator", &["vgw", "stop", "acme"], 1, &["already"]);
    desk.bad(
        "operator",
        &["vgw", "stop", "nobody"],
        1,
        &["nobody", "vgw list"],
    );
    desk.bad("energy", &["vgw", "stop", "energy"], 1, &["another role"]);
    desk.bad(
        "energy",
        &["vgw", "stop", "alarm"],
        1,
        &["alarm", "vgw list"],
    );
    desk.good("operator", &["vgw", "remove", "acme", "--discard-volumes"]);
    let removed = Verb::RemoveVgw {
        provider: "acme".parse().unwrap(),
        discard_volumes: true,
    };
    assert!(desk.called(&Caller::Operator, &removed));
}

/// A manifest and a root with one static program's place in it.
fn source(folder: &Path) {
    let root = folder.join("root/bin");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("hello"), vec![0x7f; 200_000]).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(root.join("hello"), executable).unwrap();
    fs::write(
        folder.join("manifest.toml"),
        "format = 1\nname = \"web\"\nversion = \"1.0.0\"\nprovider = \"energy\"\ncounter = 1\n\
         [run]\ncommand = [\"/bin/hello\"]\nreadiness = \"exec\"\nready-within-seconds = 5\n\
         stop-within-seconds = 5\n[limits]\nmemory = \"8MiB\"\nprocesses = 4\ntemporary = \"1MiB\"\n",
    )
    .unwrap();
}

#[test]
fn a_bundle_goes_from_a_folder_to_the_gateway() {
    let desk = Desk::new();
    source(desk.folder.path());
    let keygen = [
        "bundle",
        "keygen",
        "--secret",
        "sign",
        "--public",
        "sign-public",
    ];
    desk.json("energy", &keygen);
    assert!(desk.path("sign-public").exists() && !desk.path("sign.pub").exists());
    desk.bad("energy", &keygen, 4, &["exists"]);
    let packed = desk.json(
        "energy",
        &["bundle", "pack", "manifest.toml", "root", "web.bundle"],
    );
    assert_eq!(
        (&packed["name"], &packed["signed"]),
        (&json!("web"), &json!(false))
    );
    let seen = desk.json("energy", &["bundle", "inspect", "web.bundle"]);
    assert_eq!(seen["signature"]["state"], json!("unsigned"));
    desk.bad(
        "energy",
        &[
            "bundle",
            "inspect",
            "web.bundle",
            "--signing-key",
            "sign-public",
        ],
        4,
        &["sign"],
    );
    desk.json(
        "energy",
        &["bundle", "sign", "web.bundle", "--secret", "sign"],
    );
    let seen = desk.good(
        "energy",
        &[
            "bundle",
            "inspect",
            "web.bundle",
            "--signing-key",
            "sign-public",
            "--files",
        ],
    );
    assert!(
        seen.contains("good, by key") && seen.contains("bin/hello"),
        "{seen}"
    );
    let installed = desk.json("energy", &["bundle", "install", "web.bundle"]);
    assert_eq!(installed["state"], json!("Installed"));
    let sent = fs::read(desk.path("web.bundle")).unwrap();
    assert!(
        desk.stand.steward.uploads.lock().unwrap()[0] == sent,
        "every byte arrived"
    );
    for verb in ["start", "stop", "restart"] {
        desk.good("energy", &["bundle", verb, "web"]);
    }
    desk.good("energy", &["bundle", "uninstall", "web", "--keep-volumes"]);
    let name: limen_proto::name::Name = "web".parse().unwrap();
    assert!(desk.called(
        &provider("energy"),
        &Verb::RestartBundle { name: name.clone() }
    ));
    assert!(desk.called(
        &provider("energy"),
        &Verb::UninstallBundle {
            name,
            keep_volumes: true
        }
    ));
}

#[test]
fn refused_bundles_say_why() {
    let desk = Desk::new();
    let mut forged = b"forged".to_vec();
    forged.resize(5_000_000, 1);
    fs::write(desk.path("forged.bundle"), forged).unwrap();
    desk.bad(
        "energy",
        &["bundle", "install", "forged.bundle"],
        1,
        &["signed by no key"],
    );
    fs::write(desk.path("short.bundle"), "a bundle that is cut").unwrap();
    desk.bad(
        "energy",
        &["bundle", "install", "short.bundle"],
        1,
        &["ends early", "again"],
    );
    desk.bad(
        "energy",
        &["bundle", "install", "nowhere.bundle"],
        4,
        &["nowhere.bundle"],
    );
    desk.bad(
        "energy",
        &["bundle", "start", "nope"],
        1,
        &["no bundle nope", "bundle list"],
    );
    fs::write(desk.path("bad.toml"), "format = 1\ncolour = 2\n").unwrap();
    fs::create_dir(desk.path("empty")).unwrap();
    desk.bad(
        "energy",
        &["bundle", "pack", "bad.toml", "empty", "bad.bundle"],
        4,
        &["colour"],
    );
    assert!(!desk.path("bad.bundle").exists(), "no half bundle");
    assert!(
        !desk.path("bad.bundle.part").exists(),
        "nothing left behind"
    );
}

#[test]
fn logs_grants_objects_audit_and_core() {
    let desk = Desk::new();
    assert_eq!(
        desk.good("energy", &["bundle", "logs", "web"]),
        "line 1\nline 2\nline 3\n"
    );
    let lines = desk.json("energy", &["bundle", "logs", "web", "--after", "2"]);
    assert_eq!(
        lines,
        json!([{"number": 3, "time": 1_800_000_000_000_u64, "text": "line 3"}])
    );

    let grant = desk.json("energy", &["grant", "add", "energy.meter", "hospital"]);
    assert_eq!(
        (&grant["id"], &grant["consumer"]),
        (&json!(2), &json!("hospital"))
    );
    let list = desk.json("operator", &["grant", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(
        desk.good("alarm", &["grant", "list"])
            .contains("energy.meter")
    );
    desk.good("energy", &["grant", "revoke", "energy.meter", "hospital"]);
    assert!(desk.called(&provider("energy"), &Verb::RevokeGrant { id: 2 }));
    desk.bad(
        "alarm",
        &["grant", "revoke", "1"],
        1,
        &["no grant 1", "grant list"],
    );
    desk.good("energy", &["grant", "revoke", "1"]);
    desk.bad(
        "operator",
        &["grant", "add", "energy.meter", "alarm"],
        1,
        &["exports", "--cert"],
    );

    let names = desk.good("alarm", &["object", "search"]);
    assert!(
        names.contains("type=Bundle,provider=alarm,name=presence"),
        "{names}"
    );
    assert!(!names.contains("energy"), "{names}");
    let web = "limen:type=Bundle,provider=energy,name=web";
    assert_eq!(
        desk.json("energy", &["object", "read", web, "State"]),
        json!("Installed")
    );
    assert_eq!(
        desk.good("energy", &["object", "exec", web, "isAlive"]),
        "true\n"
    );
    let foreign = desk.run("alarm", &["object", "read", web]);
    let absent = desk.run(
        "alarm",
        &[
            "object",
            "read",
            "limen:type=Bundle,provider=energy,name=xyz",
        ],
    );
    assert_eq!(
        error(&foreign),
        error(&absent).replace("name=xyz", "name=web")
    );
    desk.bad(
        "energy",
        &["object", "read", "nonsense"],
        1,
        &["domain:key=value"],
    );

    let audit = desk.json("operator", &["audit"]);
    assert_eq!(audit[0]["actor"], json!("operator"));
    assert!(
        desk.good("operator", &["core", "show"])
            .contains("the watchdog is missing")
    );
    desk.bad("energy", &["core", "show"], 1, &["only the operator"]);
    desk.good("operator", &["core", "reboot"]);
    assert!(desk.called(&Caller::Operator, &Verb::Shutdown { reboot: true }));
}

#[test]
fn tls_trouble_names_the_file_to_look_at() {
    let desk = Desk::new();
    let pki = &desk.stand.pki;
    let list = ["vgw", "list"];
    desk.keep("stranger", &pki.stranger.client());
    desk.bad(
        "stranger",
        &list,
        3,
        &["stranger.pem", "no authority", "--cert"],
    );
    desk.keep("expired", &pki.energy.expired());
    desk.bad("expired", &list, 3, &["expired.pem", "not valid now"]);
    desk.keep("server", &pki.energy.server_only());
    desk.bad("server", &list, 3, &["server.pem", "not for clients"]);

    fs::write(desk.path("wrong-ca.pem"), &pki.stranger.certificate).unwrap();
    let run = |change: &dyn Fn(&mut Command)| {
        let mut command = desk.command("energy", &list);
        change(&mut command);
        command.output().unwrap()
    };
    let wrong_ca = run(&|command| {
        command.env("LIMEN_CA", desk.path("wrong-ca.pem"));
    });
    refused(&wrong_ca, 3, &["not signed by", "wrong-ca.pem", "--ca"]);
    let port = desk.stand.address.port();
    let wrong_name = run(&|command| {
        command.env("LIMEN_URL", format!("https://127.0.0.2:{port}"));
    });
    // The listener is on 127.0.0.1 alone; Linux routes all of 127/8 there, and refuses this one.
    refused(&wrong_name, 3, &["127.0.0.2"]);
    let nobody = run(&|command| {
        command.env("LIMEN_URL", "https://127.0.0.1:1");
    });
    refused(&nobody, 3, &["nobody listens"]);
    let crossed = run(&|command| {
        command.env("LIMEN_KEY", desk.path("alarm.key"));
    });
    refused(&crossed, 4, &["alarm.key is not the key of", "energy.pem"]);
    let no_certificate = run(&|command| {
        command.env_remove("LIMEN_CERT");
    });
    refused(&no_certificate, 2, &["LIMEN_CERT", "--cert"]);
    let plain = run(&|command| {
        command.env("LIMEN_URL", "http://127.0.0.1:8443");
    });
    refused(&plain, 2, &["https://"]);
}

#[test]
fn a_gateway_under_another_name_is_told_so() {
    let desk = Desk::new();
    let pki = &desk.stand.pki;
    let other = pki.gateway.server(&["elsewhere.example"]);
    desk.stand.steward.change_trust(|trust| {
        trust.certificate = other.certificate.clone();
        trust.key = other.key.clone();
    });
    let start = std::time::Instant::now();
    while desk.run("energy", &["vgw", "list"]).status.success() {
        assert!(
            start.elapsed().as_secs() < 10,
            "the new certificate is served"
        );
    }
    desk.bad("energy", &["vgw", "list"], 3, &["another name", "--url"]);
}

#[test]
fn errors_are_json_when_asked_for_and_help_has_examples() {
    let desk = Desk::new();
    let output = desk.run("energy", &["--json", "bundle", "start", "nope"]);
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(
        (&told["kind"], &told["exit"]),
        (&json!("NotFound"), &json!(1))
    );
    for arguments in [
        &["--help"][..],
        &["vgw", "create", "--help"],
        &["bundle", "--help"],
        &["object", "--help"],
    ] {
        assert!(
            desk.good("energy", arguments).contains("Example"),
            "{arguments:?}"
        );
    }
    assert_eq!(
        desk.run("energy", &["vgw", "explode"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_gateway_without_its_steward_says_try_again() {
    let desk = Desk::new();
    desk.good("energy", &["vgw", "list"]);
    desk.stand.steward.hang_up();
    let start = std::time::Instant::now();
    while desk.run("energy", &["vgw", "list"]).status.success() {
        assert!(start.elapsed().as_secs() < 10, "the hang-up is seen");
    }
    desk.bad("energy", &["vgw", "list"], 1, &["try again"]);
    desk.stand.link();
    let start = std::time::Instant::now();
    while !desk.run("energy", &["vgw", "list"]).status.success() {
        assert!(start.elapsed().as_secs() < 10, "a new steward is found");
    }
}
