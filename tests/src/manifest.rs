//! The manifest of a scenario's bundle: what all of them have, and what each says besides
//!
//! Keys are set by name, as a provider would write them: nothing here knows which of them exist, so
//! wrong ones can be written as well as right ones.

use toml::{Table, Value};

/// A manifest before it is text.
#[derive(Debug, Clone)]
pub struct Manifest(Table);

impl Manifest {
    /// Of a program that is never restarted, in little memory.
    #[must_use]
    pub fn new(provider: &str, name: &str, command: &[&str]) -> Self {
        let command: Vec<_> = command.iter().map(|word| Value::from(*word)).collect();
        Self(Table::new())
            .with("format", 1)
            .with("name", name)
            .with("version", "1.0.0")
            .with("provider", provider)
            .with("counter", 1)
            .with("run.command", command)
            .with("run.readiness", "exec")
            .with("run.stop-within-seconds", 2)
            .with("restart.enable", false)
            .with("limits.memory", "4MiB")
            .with("limits.processes", 4)
    }

    /// The same with one key more, or another value of it; `table.key` is a key of a table.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        match key.split_once('.') {
            None => {
                self.0.insert(key.to_owned(), value);
            }
            Some((table, key)) => {
                let entry = self.0.entry(table).or_insert_with(|| Table::new().into());
                if let Value::Table(table) = entry {
                    table.insert(key.to_owned(), value);
                }
            }
        }
        self
    }

    /// The same, started again after one or two seconds whenever it ends, so many times; 0 is without
    /// end.
    #[must_use]
    pub fn restarting(self, retries: u32) -> Self {
        self.with("restart.enable", true)
            .with("restart.minimum-wait-seconds", 1)
            .with("restart.maximum-wait-seconds", 2)
            .with("restart.multiplier", 1000)
            .with("restart.reset-seconds", 60)
            .with("restart.retries", i64::from(retries))
    }

    /// The same with room that outlives it, where the hostile program looks for it.
    #[must_use]
    pub fn keeping(mut self, size: &str) -> Self {
        let volume = [
            ("name", "data"),
            ("path", "/var/lib/adversary"),
            ("size", size),
        ];
        let volume: Table = volume
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        self.0.insert("volumes".to_owned(), vec![volume].into());
        self
    }

    /// Name of the bundle.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text_of("name")
    }

    /// Provider that it says it is of.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.text_of("provider")
    }

    fn text_of(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// As it is signed.
impl std::fmt::Display for Manifest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    #[test]
    fn a_key_of_a_table_stands_in_its_table() {
        let text = Manifest::new("energy", "some", &["/bin/some", "a \"word\""])
            .with("limits.processes", 9)
            .keeping("1MiB")
            .to_string();
        let (before, limits) = text.split_once("[limits]").unwrap_or_default();
        assert!(!before.contains("processes") && limits.contains("processes = 9"));
        assert!(text.contains("[[volumes]]") && text.contains(r#"a "word""#));
    }
}
