//! What a person sees of a long step: a spinner on a terminal, two plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Begins a part whose programs print their own progress.
pub(crate) fn heading(text: &str) {
    eprintln!("==> {text}");
}

/// A duration for people: `4.2 s`, `3 min 05 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// A silent step under way. Dropped without [`Step::done`], it has failed.
pub(crate) struct Step {
    text: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    /// Announces the step.
    pub(crate) fn start(text: impl Into<String>) -> Self {
        let text = text.into();
        let spinner = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("    {spinner} {msg} ({elapsed})")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner()
                .with_style(style)
                .with_message(text.clone());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if spinner.is_none() {
            eprintln!("    {text} ...");
        }
        Self {
            text,
            started: Instant::now(),
            spinner,
        }
    }

    /// Ends it well.
    pub(crate) fn done(self) {
        if let Some(bar) = &self.spinner {
            bar.finish_and_clear();
        }
        eprintln!("    {}: {}", self.text, seconds(self.started.elapsed()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.spinner {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_naturally() {
        assert_eq!(seconds(Duration::from_millis(4210)), "4.2 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
