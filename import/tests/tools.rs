//! The same image by umoci and skopeo, in every form that they write

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use limen_bundle::manifest::Architecture;
use limen_import::oci::{Image, Wanted};

fn run(folder: &Path, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder)
        .output();
    let output = output
        .unwrap_or_else(|error| panic!("{}: {error}; cargo xtask test installs it", words[0]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

/// A layout `image` with tag `two`: a layer with a tree, and one that changes and takes away.
fn layout(folder: &Path) {
    run(folder, "umoci init --layout image");
    run(folder, "umoci new --image image:one");
    run(folder, "umoci unpack --rootless --image image:one box");
    let root = folder.join("box/rootfs");
    for directory in ["bin", "srv/old", "srv/kept"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for file in [
        "bin/server",
        "srv/old/a",
        "srv/old/b",
        "srv/kept/c",
        "srv/gone",
    ] {
        fs::write(root.join(file), file).unwrap();
    }
    fs::set_permissions(root.join("bin/server"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("server", root.join("bin/httpd")).unwrap();
    fs::hard_link(root.join("srv/kept/c"), root.join("srv/kept/same")).unwrap();
    run(folder, "umoci repack --image image:one box");
    run(folder, "umoci unpack --rootless --image image:one next");
    let root = folder.join("next/rootfs");
    fs::remove_dir_all(root.join("srv/old")).unwrap();
    fs::remove_file(root.join("srv/gone")).unwrap();
    fs::write(root.join("srv/kept/c"), "changed").unwrap();
    fs::write(root.join("srv/old"), "a file now").unwrap();
    run(folder, "umoci repack --image image:two next");
    run(
        folder,
        "umoci config --image image:two --architecture arm64 --config.entrypoint httpd --config.cmd -f \
         --config.env PATH=/bin --config.workingdir /srv --config.exposedports 80/tcp --config.volume /data",
    );
}

/// Everything below `root`: links by target, files by whether they are executable and what they hold.
fn listing(root: &Path) -> BTreeMap<String, String> {
    let mut pending = vec![root.to_owned()];
    let mut found = BTreeMap::new();
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let what = if metadata.is_dir() {
                pending.push(path.clone());
                "directory".to_owned()
            } else if metadata.is_symlink() {
                format!("to {}", fs::read_link(&path).unwrap().display())
            } else {
                let executable = metadata.permissions().mode() & 0o111 != 0;
                format!("{executable} {}", fs::read_to_string(&path).unwrap())
            };
            found.insert(path.strip_prefix(root).unwrap().display().to_string(), what);
        }
    }
    found
}

#[test]
fn every_form_of_an_image_is_the_tree_that_umoci_unpacks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    layout(folder);
    run(folder, "umoci unpack --rootless --image image:two theirs");
    let theirs = listing(&folder.join("theirs/rootfs"));
    run(
        folder,
        "skopeo copy -q --override-arch arm64 oci:image:two oci-archive:oci.tar:two",
    );
    run(
        folder,
        "skopeo copy -q --override-arch arm64 oci:image:two docker-archive:docker.tar:web:two",
    );
    run(
        folder,
        "skopeo copy -q --override-arch arm64 --dest-compress-format zstd oci:image:two oci:zstd:two",
    );
    let forms = [
        ("image", Some("two")),
        ("oci.tar", None),
        ("docker.tar", Some("docker.io/library/web:two")),
        ("zstd", None),
    ];
    for (form, reference) in forms {
        let wanted = Wanted {
            reference,
            architecture: Architecture::Aarch64,
        };
        let image = Image::read(&folder.join(form), wanted, &mut |_, _| {});
        let image = image.unwrap_or_else(|error| panic!("{form}: {error}"));
        let ours = folder.join(format!("ours-{form}"));
        fs::create_dir(&ours).unwrap();
        image.tree.extract(&ours).unwrap();
        assert_eq!(listing(&ours), theirs, "{form}");
        let settings = &image.settings;
        assert_eq!(settings.command, ["httpd", "-f"], "{form}");
        assert_eq!(
            (
                settings.directory.as_str(),
                settings.ports.len(),
                &*settings.volumes[0]
            ),
            ("/srv", 1, "/data")
        );
    }
}
