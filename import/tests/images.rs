//! Images as tools write them, and as no honest tool does

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "images/made.rs"]
mod made;

use std::path::Path;

use limen_bundle::manifest::Architecture;
use limen_import::oci::{Image, ImageError, Port, Transport, Wanted};
use made::{INDEX, Layout, archive, digest};
use serde_json::{Value, json};

fn read_as(
    path: &Path,
    reference: Option<&str>,
    architecture: Architecture,
) -> Result<Image, ImageError> {
    Image::read(
        path,
        Wanted {
            reference,
            architecture,
        },
        &mut |_, _| {},
    )
}

fn read(path: &Path) -> Result<Image, ImageError> {
    read_as(path, None, Architecture::Aarch64)
}

/// Reads what `layout` is as a directory and as an archive, which must be the same.
fn both(layout: &Layout) -> Result<Image, String> {
    let folder = tempfile::tempdir().unwrap();
    let text = |result: Result<Image, ImageError>| result.map_err(|error| chain(&error));
    let one = text(read(&layout.directory(folder.path())));
    let other = text(read(&layout.archive(folder.path())));
    let said = |result: &Result<Image, String>| {
        result
            .as_ref()
            .map(|image| (image.digest.clone(), image.tree.len()))
            .map_err(Clone::clone)
    };
    let cut = |text: String| text.replace(&format!("{}/layout/", folder.path().display()), "");
    assert_eq!(said(&one).map_err(cut), said(&other).map_err(cut));
    one
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}

fn refusal(layout: &Layout) -> String {
    both(layout).map(|_| "accepted".to_owned()).unwrap_err()
}

fn files(image: &Image) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    image.tree.extract(folder.path()).unwrap();
    let mut pending = vec![folder.path().to_owned()];
    let mut files = Vec::new();
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path
                    .strip_prefix(folder.path())
                    .unwrap()
                    .display()
                    .to_string();
                files.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn two_layers() -> [Vec<u8>; 2] {
    [
        archive(&[
            ("srv/run", b"one"),
            ("srv/old", b"old"),
            ("etc/passwd", b"root:x:0:0\nweb:x:33:33::/\n"),
        ]),
        archive(&[("srv/run", b"two"), ("srv/.wh.old", b"")]),
    ]
}

fn config() -> Value {
    json!({
        "User": "33:33", "WorkingDir": "/srv", "Entrypoint": ["run"], "Cmd": ["--port", "80"],
        "Env": ["PATH=/srv", "MODE=a=b"], "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "81": {}},
        "Volumes": {"/var/b": {}, "/var/a": {}}, "Labels": {"maker": "us"},
    })
}

fn good() -> Layout {
    let mut layout = Layout::new();
    let image = layout.image("arm64", &two_layers(), config());
    layout.index(&[image]);
    layout
}

#[test]
fn layers_are_merged_and_settings_are_carried_over() {
    let image = both(&good()).unwrap();
    let names: Vec<(String, String)> = files(&image);
    let expected = [
        ("etc/passwd", "root:x:0:0\nweb:x:33:33::/\n"),
        ("srv/run", "two"),
    ];
    assert_eq!(
        names,
        expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
    let settings = &image.settings;
    assert_eq!(settings.command, ["run", "--port", "80"]);
    assert_eq!(settings.environment["MODE"], "a=b");
    assert_eq!(settings.directory, "/srv");
    assert_eq!(settings.user.as_deref(), Some("web"));
    let port = |number, transport| Port { number, transport };
    let ports = [
        port(53, Transport::Udp),
        port(80, Transport::Tcp),
        port(81, Transport::Tcp),
    ];
    assert_eq!(settings.ports, ports);
    assert_eq!(settings.volumes, ["/var/a", "/var/b"]);
    assert_eq!(settings.labels["maker"], "us");
    let found = limen_import::find_program(&image.tree, "run", "/", Some("/srv")).unwrap();
    assert_eq!(found, "/srv/run");
}

#[test]
fn layers_may_be_plain_gzip_or_zstandard() {
    let layer = archive(&[("a", b"x")]);
    for (kind, bytes) in [
        ("application/vnd.oci.image.layer.v1.tar", layer.clone()),
        (
            "application/vnd.oci.image.layer.v1.tar+gzip",
            made::gzip(&layer),
        ),
        (
            "application/vnd.oci.image.layer.v1.tar+zstd",
            zstd::encode_all(layer.as_slice(), 1).unwrap(),
        ),
        (
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            made::gzip(&layer),
        ),
    ] {
        let mut layout = Layout::new();
        let layer = layout.blob(kind, &bytes);
        let image = with_layers(
            &mut layout,
            &[digest(&archive(&[("a", b"x")]))],
            vec![layer],
        );
        layout.index(&[image]);
        assert_eq!(files(&both(&layout).unwrap()).len(), 1, "{kind}");
    }
}

fn with_layers(layout: &mut Layout, diff_ids: &[String], layers: Vec<Value>) -> Value {
    let configuration = json!({
        "architecture": "arm64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let kind = "application/vnd.oci.image.config.v1+json";
    let config = layout.blob(kind, configuration.to_string().as_bytes());
    layout.manifest(config, layers)
}

#[test]
fn an_image_for_several_platforms_gives_the_one_that_is_wanted() {
    let mut layout = Layout::new();
    let platforms = [
        ("arm64", None),
        ("arm", Some("v6")),
        ("arm", Some("v7")),
        ("amd64", None),
    ];
    let mut manifests = Vec::new();
    for (architecture, variant) in platforms {
        let text = format!("{architecture}{}", variant.unwrap_or_default());
        let layer = archive(&[("built-for", text.as_bytes())]);
        let mut image = layout.image(architecture, &[layer], json!({}));
        image["platform"] = json!({"architecture": architecture, "os": "linux"});
        if let Some(variant) = variant {
            image["platform"]["variant"] = json!(variant);
        }
        manifests.push(image);
    }
    // What build tools add beside the images.
    let mut attestation = manifests[0].clone();
    attestation["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    manifests.push(attestation);
    let nested = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    let nested = layout.blob(INDEX, nested.to_string().as_bytes());
    layout.index(&[nested]);
    let folder = tempfile::tempdir().unwrap();
    let path = layout.directory(folder.path());
    for (architecture, expected) in [
        (Architecture::Aarch64, "arm64"),
        (Architecture::Armv7, "armv7"),
        (Architecture::X86_64, "amd64"),
    ] {
        let image = read_as(&path, None, architecture).unwrap();
        assert_eq!(files(&image)[0].1, expected);
    }
}

#[test]
fn of_several_images_one_is_chosen_by_its_name() {
    let mut layout = Layout::new();
    let manifests = ["1.0", "2.0"].map(|name| {
        let mut image = layout.image("arm64", &[archive(&[("v", name.as_bytes())])], json!({}));
        image["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        image
    });
    layout.index(&manifests);
    let folder = tempfile::tempdir().unwrap();
    let path = layout.directory(folder.path());
    let named = |name| read_as(&path, Some(name), Architecture::Aarch64);
    assert_eq!(files(&named("2.0").unwrap())[0].1, "2.0");
    let none = chain(&named("3.0").unwrap_err());
    assert!(none.contains("there is 1.0, 2.0"), "{none}");
    let several = refusal(&layout);
    assert!(
        several.contains("--reference") && several.contains("1.0, 2.0"),
        "{several}"
    );
}

#[test]
fn what_docker_saved_is_read_and_proved() {
    let [lower, upper] = two_layers();
    let configuration = json!({
        "architecture": "arm64", "os": "linux", "config": config(),
        "rootfs": {"type": "layers", "diff_ids": [digest(&lower), digest(&upper)]},
    });
    let configuration = configuration.to_string().into_bytes();
    let name = format!("{}.json", digest(&configuration).replace("sha256:", ""));
    let manifest =
        json!([{"Config": name, "RepoTags": ["web:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]);
    let mut saved = Layout::default();
    saved.put("manifest.json", manifest.to_string().as_bytes());
    saved.put(&name, &configuration);
    saved.put("a/layer.tar", &lower);
    saved.put("b/layer.tar", &upper);
    let folder = tempfile::tempdir().unwrap();
    let image = read(&saved.archive(folder.path())).unwrap();
    assert_eq!(files(&image).len(), 2);
    assert_eq!(image.digest, digest(&configuration));
    let by_name = |name| {
        read_as(
            &saved.archive(folder.path()),
            Some(name),
            Architecture::Aarch64,
        )
    };
    assert!(by_name("web:1").is_ok());
    assert!(chain(&by_name("web:2").unwrap_err()).contains("there is web:1"));
    for spoiled in [name.as_str(), "a/layer.tar"] {
        let mut other = saved.clone();
        other
            .0
            .get_mut(spoiled)
            .unwrap()
            .last_mut()
            .map(|byte| *byte ^= 1)
            .unwrap();
        let said = chain(&read(&other.archive(folder.path())).unwrap_err());
        assert!(said.contains("is not the content of digest"), "{said}");
    }
}

/// Every blob that is not what its digest says is refused, before it is parsed.
#[test]
fn one_wrong_bit_anywhere_is_refused() {
    let good = good();
    let blobs: Vec<String> = good
        .0
        .keys()
        .filter(|name| name.starts_with("blobs"))
        .cloned()
        .collect();
    assert_eq!(blobs.len(), 4);
    for blob in blobs {
        let length = good.0[&blob].len();
        for at in [0, length / 2, length - 1] {
            let mut spoiled = good.clone();
            spoiled.0.get_mut(&blob).unwrap()[at] ^= 4;
            let said = refusal(&spoiled);
            assert!(said.contains("is not the content of digest"), "{said}");
        }
        let mut cut = good.clone();
        cut.0.get_mut(&blob).unwrap().pop();
        assert!(refusal(&cut).contains("copy the image again"));
        let mut gone = good.clone();
        gone.0.remove(&blob);
        assert!(refusal(&gone).contains("lacks blobs/sha256/"));
    }
}

/// A layer whose blob is right and whose decoded bytes are not those that the configuration names.
#[test]
fn layers_that_the_configuration_does_not_name_are_refused() {
    let [lower, upper] = two_layers();
    let mut layout = Layout::new();
    let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
    let layers = [&lower, &upper].map(|layer| layout.blob(kind, &made::gzip(layer)));
    let cases = [
        (
            vec![digest(&upper), digest(&lower)],
            "is not the content of digest",
        ),
        (vec![digest(&lower)], "has 2 layers and 1 digests"),
        (vec!["md5:0123".to_owned(); 2], "neither sha256 nor sha512"),
    ];
    for (diff_ids, expected) in cases {
        let image = with_layers(&mut layout, &diff_ids, layers.to_vec());
        layout.index(&[image]);
        let said = refusal(&layout);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn descriptors_that_lead_elsewhere_are_refused() {
    let layer = archive(&[("a", b"x")]);
    let spoil = |change: &dyn Fn(&mut Value)| {
        let mut layout = Layout::new();
        let mut descriptor = layout.blob("application/vnd.oci.image.layer.v1.tar", &layer);
        change(&mut descriptor);
        let image = with_layers(&mut layout, &[digest(&layer)], vec![descriptor]);
        layout.index(&[image]);
        refusal(&layout)
    };
    type Case = (&'static str, Box<dyn Fn(&mut Value)>);
    let cases: Vec<Case> = vec![
        (
            "fetched from elsewhere",
            Box::new(|layer| layer["urls"] = json!(["https://example.com/l"])),
        ),
        (
            "is not what the specification has",
            Box::new(|layer| layer["digest"] = json!("sha256:../../etc/passwd")),
        ),
        (
            "is not what the specification has",
            Box::new(|layer| layer["digest"] = json!("sha256:ABCD")),
        ),
        (
            "neither sha256 nor sha512",
            Box::new(|layer| layer["digest"] = json!("blake3:00ff")),
        ),
        (
            "bytes, the image says",
            Box::new(|layer| layer["size"] = json!(1)),
        ),
        (
            "is not what the specification has",
            Box::new(|layer| layer["size"] = json!(-1)),
        ),
        (
            "media type",
            Box::new(|layer| {
                layer["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+encrypted")
            }),
        ),
        (
            "media type",
            Box::new(|layer| {
                layer["mediaType"] =
                    json!("application/vnd.oci.image.layer.nondistributable.v1.tar")
            }),
        ),
        (
            "media type",
            Box::new(|layer| layer["mediaType"] = json!("text/plain")),
        ),
    ];
    for (expected, change) in cases {
        let said = spoil(&*change);
        assert!(said.contains(expected), "{said} does not say {expected}");
    }
}

#[test]
fn indexes_in_indexes_end() {
    let mut layout = good();
    let mut inner: Value = serde_json::from_slice(&layout.0["index.json"]).unwrap();
    for _ in 0..6 {
        inner["mediaType"] = json!(INDEX);
        let blob = layout.blob(INDEX, inner.to_string().as_bytes());
        layout.index(&[blob]);
        inner = serde_json::from_slice(&layout.0["index.json"]).unwrap();
    }
    assert!(refusal(&layout).contains("more than 4 deep"));
}

#[test]
fn an_image_for_another_machine_is_refused() {
    let mut layout = Layout::new();
    let image = layout.image("amd64", &two_layers(), json!({}));
    layout.index(&[image]);
    assert!(refusal(&layout).contains("image is for amd64, not for aarch64"));
    let mut layout = Layout::new();
    let mut image = layout.image("arm64", &two_layers(), json!({}));
    image["platform"] = json!({"architecture": "arm64", "os": "windows"});
    layout.index(&[image.clone(), image]);
    assert!(both(&layout).is_err());
}

#[test]
fn settings_that_mean_nothing_are_refused_with_their_value() {
    let cases = [
        (json!({"Env": ["NOEQUALS"]}), "environment is \"NOEQUALS\""),
        (json!({"WorkingDir": "srv"}), "working directory is \"srv\""),
        (
            json!({"ExposedPorts": {"80/sctp": {}}}),
            "port is \"80/sctp\"",
        ),
        (json!({"ExposedPorts": {"0/tcp": {}}}), "port is \"0/tcp\""),
        (json!({"ExposedPorts": {"65536": {}}}), "port is \"65536\""),
    ];
    for (config, expected) in cases {
        let mut layout = Layout::new();
        let image = layout.image("arm64", &two_layers(), config);
        layout.index(&[image]);
        let said = refusal(&layout);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_is_no_image_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let said = chain(&read(folder.path()).unwrap_err());
    assert!(
        said.contains("holds no image") && said.contains("skopeo"),
        "{said}"
    );
    let nothing = chain(&read(&folder.path().join("nothing")).unwrap_err());
    assert!(nothing.contains("cannot be read"), "{nothing}");
    let text = folder.path().join("text");
    std::fs::write(
        &text,
        "not an archive, though long enough to be taken for one ".repeat(40),
    )
    .unwrap();
    assert!(read(&text).is_err());
    let mut old = good();
    old.put("oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
    assert!(refusal(&old).contains("version 2.0.0"));
    old.put("oci-layout", b"not json");
    assert!(refusal(&old).contains("is not what the specification has"));
}

/// An archive that is itself compressed, as `docker save | gzip` makes it.
#[test]
fn a_compressed_archive_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let plain = good().archive(folder.path());
    let compressed = folder.path().join("layout.tar.gz");
    std::fs::write(&compressed, made::gzip(&std::fs::read(plain).unwrap())).unwrap();
    assert_eq!(files(&read(&compressed).unwrap()).len(), 2);
}
