//! What is said, and how often
//!
//! A change at once; what stays as it is, every [`REPEAT`].

use std::time::{Duration, Instant};

use limen_sdk::Error;

use crate::detector::Presence;

/// Between two lines that say the same.
const REPEAT: Duration = Duration::from_secs(5);

/// What there is to say.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'a> {
    /// A reference, from this provider.
    Obtained(&'a str),
    /// A reading.
    Power {
        /// What the detector thinks.
        presence: Presence,
        /// Draw now.
        watts: u32,
        /// Standing load.
        standing: u32,
    },
    /// The meter has never been heard.
    Silent,
    /// The last reading is so many seconds old.
    Quiet(u64),
    /// The reference is over.
    Cut,
    /// There is no service, or no grant.
    Waiting,
    /// Something else.
    Trouble(Error),
}

/// Says it on standard output.
#[derive(Default)]
pub(crate) struct Reporter {
    last: Option<(&'static str, Instant)>,
}

impl Reporter {
    pub(crate) fn say(&mut self, seen: Seen<'_>) {
        let now = Instant::now();
        let key = key(&seen);
        let news = match self.last {
            Some((last, said)) => last != key || now.duration_since(said) >= REPEAT,
            None => true,
        };
        if news {
            self.last = Some((key, now));
            println!("presence: {}", words(&seen));
        }
    }
}

/// What has the same key says the same.
const fn key(seen: &Seen<'_>) -> &'static str {
    match seen {
        Seen::Obtained(_) => "obtained",
        Seen::Power { presence, .. } => name(*presence),
        Seen::Silent => "silent",
        Seen::Quiet(_) => "quiet",
        Seen::Cut => "cut",
        Seen::Waiting => "waiting",
        Seen::Trouble(_) => "trouble",
    }
}

const fn name(presence: Presence) -> &'static str {
    match presence {
        Presence::Home => "home",
        Presence::Away => "away",
    }
}

fn words(seen: &Seen<'_>) -> String {
    match seen {
        Seen::Obtained(provider) => format!("reference obtained from {provider}"),
        Seen::Power {
            presence,
            watts,
            standing,
        } => {
            let presence = name(*presence);
            format!("{presence} power={watts}W standing={standing}W")
        }
        Seen::Silent => "the meter has not been heard yet".to_owned(),
        Seen::Quiet(seconds) => format!("the meter is quiet for {seconds} s"),
        Seen::Cut => "reference cut".to_owned(),
        Seen::Waiting => "meter not granted (waiting)".to_owned(),
        Seen::Trouble(error) => error.to_string(),
    }
}
