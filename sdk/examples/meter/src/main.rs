//! The meter service: P1 telegrams in, `energy.meter` out
//!
//! One thread listens to the port, the main thread serves. The port is the first argument, else
//! `METER_PORT`, else the device of class `serial-p1`.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use limen_sdk::{CallError, Caller, Offer, Server, answer};
use meter::energy_meter::{INTERFACE, READING, RECEPTION, VERSION};
use meter::household::Household;
use meter::p1::receiver::{Damage, Receiver};
use meter::p1::telegram::Telegram;
use meter::port::open_port;

/// Where the jail puts the device of class `serial-p1`.
const PORT: &str = "/dev/serial-p1";
/// Between two attempts to open the port.
const REOPEN: Duration = Duration::from_secs(2);
/// Between two reports of a line that is well.
const REPORT: Duration = Duration::from_secs(60);

type Shared = Arc<Mutex<Household>>;

fn main() -> ExitCode {
    match serve() {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("meter: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<Infallible, Box<dyn Error>> {
    let path = env::args_os()
        .nth(1)
        .or_else(|| env::var_os("METER_PORT"))
        .map_or_else(|| PathBuf::from(PORT), PathBuf::from);
    let household = Shared::default();
    let heard = Arc::clone(&household);
    thread::Builder::new()
        .name("port".to_owned())
        .spawn(move || listen(&path, &heard))?;

    let mut server = Server::connect()?;
    let asked = Arc::clone(&household);
    let offer = Offer::new(INTERFACE.parse()?, VERSION);
    server.offer(offer, move |_: &Caller, method: u16, arguments: &[u8]| {
        let household = lock(&asked);
        match method {
            READING => answer(arguments, |()| Ok(household.reading(Instant::now()))),
            RECEPTION => answer(arguments, |()| Ok(household.reception())),
            _ => Err(CallError::Method),
        }
    })?;
    limen_sdk::ready()?;
    println!(
        "meter: serving {INTERFACE} {}.{}",
        VERSION.major, VERSION.minor
    );
    let mut quiet = false;
    loop {
        server.turn(Some(Duration::from_secs(1)))?;
        let is_quiet = lock(&household).is_quiet(Instant::now());
        if is_quiet && !quiet {
            println!("meter: the port went quiet; readings grow old");
        }
        quiet = is_quiet;
    }
}

/// A thread that panicked left a household that is whole: it is only ever replaced.
fn lock(household: &Mutex<Household>) -> MutexGuard<'_, Household> {
    household.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the port again and again, for as long as the program lives.
fn listen(path: &Path, household: &Mutex<Household>) {
    let mut silent = false;
    loop {
        match open_port(path) {
            Ok((port, settings)) => {
                silent = false;
                match settings {
                    Ok(()) => println!("meter: listening to {}", path.display()),
                    Err(why) => println!(
                        "meter: listening to {} as it is, its line settings stay: {why}",
                        path.display()
                    ),
                }
                hear(port, household);
            }
            // Said once, not every two seconds.
            Err(why) if !silent => {
                silent = true;
                println!("meter: cannot open {}: {why}", path.display());
            }
            Err(_) => {}
        }
        thread::sleep(REOPEN);
    }
}

/// Hears until the port ends.
fn hear(mut port: impl Read, household: &Mutex<Household>) {
    let mut receiver = Receiver::default();
    let mut bytes = [0; 1024];
    let mut reported = None;
    loop {
        let count = match port.read(&mut bytes) {
            Ok(0) => return println!("meter: the port ended"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return println!("meter: the port failed: {error}"),
        };
        for byte in bytes.iter().take(count) {
            if let Some(outcome) = receiver.take(*byte) {
                let now = Instant::now();
                lock(household).hear(&outcome, now);
                report(&outcome, now, &mut reported);
            }
        }
    }
}

/// Damage at once; a line that is well once a minute.
fn report(outcome: &Result<Telegram, Damage>, now: Instant, reported: &mut Option<Instant>) {
    match outcome {
        Err(damage) => println!("meter: {damage}"),
        Ok(telegram) => {
            let due = reported.is_none_or(|last| now.duration_since(last) >= REPORT);
            if due {
                *reported = Some(now);
                println!(
                    "meter: telegram of {}: power={}W returned={}W",
                    telegram.meter, telegram.delivered_w, telegram.returned_w
                );
            }
        }
    }
}
