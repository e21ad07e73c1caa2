//! The presence detector: reads `energy.meter` under a grant and reports
//!
//! Keeps one reference and polls it every second. Says what it sees, and why it sees nothing:
//!
//! ```text
//! presence: reference obtained from energy
//! presence: away power=104W standing=50W
//! presence: reference cut
//! presence: meter not granted (waiting)
//! ```
//!
//! A meter that is not granted and one that does not exist look alike, so it says the former.
//! `PRESENCE_THRESHOLD_W` and `PRESENCE_HOLD_S` replace the 150 W and 30 s of the detector.

mod detector;
mod reporter;

use std::convert::Infallible;
use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use limen_sdk::{Broker, Error, Query, Reference, RegistryError};
use meter::energy_meter::{INTERFACE, READING, Reading, VERSION};

use detector::Detector;
use reporter::{Reporter, Seen};

const PERIOD: Duration = Duration::from_secs(1);
const THRESHOLD_W: u32 = 150;
const HOLD_S: u32 = 30;

fn main() -> ExitCode {
    match watch() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("presence: {error}");
            ExitCode::FAILURE
        }
    }
}

fn watch() -> Result<Infallible, Box<dyn std::error::Error>> {
    let query = Query::new(INTERFACE.parse()?, VERSION);
    let mut broker = Broker::connect()?;
    let mut reporter = Reporter::default();
    // Outlives references: the house stays the same.
    let mut detector = Detector::new(
        setting("PRESENCE_THRESHOLD_W", THRESHOLD_W),
        setting("PRESENCE_HOLD_S", HOLD_S),
    );
    limen_sdk::ready()?;
    loop {
        match broker.obtain(&query) {
            Ok(mut meter) => {
                reporter.say(Seen::Obtained(meter.service().provider.as_str()));
                follow(&mut meter, &mut detector, &mut reporter);
            }
            Err(Error::Refused(RegistryError::NotFound)) => {
                reporter.say(Seen::Waiting);
                broker.next_event(PERIOD)?;
            }
            Err(error) => {
                reporter.say(Seen::Trouble(error));
                broker.next_event(PERIOD)?;
            }
        }
    }
}

fn setting(name: &str, default: u32) -> u32 {
    let text = env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Polls until the reference is cut.
fn follow(meter: &mut Reference, detector: &mut Detector, reporter: &mut Reporter) {
    loop {
        let due = Instant::now() + PERIOD;
        match meter.call::<_, Option<Reading>>(READING, &()) {
            Ok(Some(reading))
                if Duration::from_millis(reading.age_ms) > meter::household::QUIET =>
            {
                reporter.say(Seen::Quiet(reading.age_ms / 1000));
            }
            Ok(Some(reading)) => {
                let presence = detector.sample(reading.delivered_w);
                reporter.say(Seen::Power {
                    presence,
                    watts: reading.delivered_w,
                    standing: detector.standing_load(),
                });
            }
            Ok(None) => reporter.say(Seen::Silent),
            Err(Error::HungUp) => return reporter.say(Seen::Cut),
            Err(error) => reporter.say(Seen::Trouble(error)),
        }
        if meter.wait_until_over(due.saturating_duration_since(Instant::now())) {
            return reporter.say(Seen::Cut);
        }
    }
}
