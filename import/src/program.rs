//! Which file of a tree a command's first word means

use limen_bundle::link::Walker;

use crate::tree::{Node, Tree};

/// Where a command without a slash is looked for when the image says nothing (`execvp`'s list on Debian).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// No executable file is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no executable file {0} in the tree; give the command with --command and an absolute path"
)]
pub struct NotFound(String);

/// The absolute path of what `word` executes: as it stands, relative to `directory`, or along `path` (a list
/// with colons, as in the environment).
///
/// # Errors
/// [`NotFound`], quoting `word`.
pub fn find(
    tree: &Tree,
    word: &str,
    directory: &str,
    path: Option<&str>,
) -> Result<String, NotFound> {
    let beneath =
        |directory: &str| format!("/{}/{word}", directory.trim_matches('/')).replace("//", "/");
    let candidates: Vec<String> = if word.starts_with('/') {
        vec![word.to_owned()]
    } else if word.contains('/') {
        vec![beneath(directory)]
    } else {
        path.unwrap_or(PATH)
            .split(':')
            .filter(|part| part.starts_with('/'))
            .map(beneath)
            .collect()
    };
    candidates
        .into_iter()
        .map(|candidate| candidate.replace("/./", "/"))
        .find(|candidate| is_executable(tree, candidate))
        .ok_or_else(|| NotFound(format!("{word:?}")))
}

fn is_executable(tree: &Tree, path: &str) -> bool {
    let end = Walker::new(|path: &str| tree.target(path)).resolve(path);
    let node = end.ok().and_then(|end| tree.get(&end).cloned());
    matches!(
        node,
        Some(Node::File {
            executable: true,
            ..
        })
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use limen_bundle::path::EntryPath;

    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new().unwrap();
        let content = tree.contents.add(&mut b"x".as_slice(), 1).unwrap();
        let nodes = [
            (
                "usr/bin/python3.11",
                Node::File {
                    content,
                    executable: true,
                },
            ),
            ("usr/bin/python3", Node::Link("python3.11".into())),
            ("bin", Node::Link("usr/bin".into())),
            (
                "srv/run",
                Node::File {
                    content,
                    executable: true,
                },
            ),
            (
                "srv/data",
                Node::File {
                    content,
                    executable: false,
                },
            ),
        ];
        for (path, node) in nodes {
            tree.place(&EntryPath::new(path.as_bytes()).unwrap(), node)
                .unwrap();
        }
        tree
    }

    #[test]
    fn a_word_is_found_along_the_path_and_through_links() {
        let tree = tree();
        assert_eq!(
            find(&tree, "python3", "/", None).unwrap(),
            "/usr/bin/python3"
        );
        assert_eq!(
            find(&tree, "python3", "/", Some("/bin")).unwrap(),
            "/bin/python3"
        );
        assert_eq!(
            find(&tree, "/bin/python3", "/", None).unwrap(),
            "/bin/python3"
        );
    }

    #[test]
    fn a_relative_path_starts_at_the_working_directory() {
        assert_eq!(find(&tree(), "./run", "/srv", None).unwrap(), "/srv/run");
        assert!(find(&tree(), "./run", "/", None).is_err());
    }

    #[test]
    fn what_cannot_be_executed_is_not_found() {
        for word in ["/srv/data", "/srv", "nothing", "/nothing"] {
            assert!(find(&tree(), word, "/", None).is_err(), "{word}");
        }
    }
}
