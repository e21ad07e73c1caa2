//! The loop
//!
//! Wait, hear, carry out. The wait ends at the first of the core's deadline, an errand's and the
//! watchdog's; a deadline that has passed costs no wait at all. Events of one wait are handled in
//! the kernel's order, and every one is carried out before the next.

use core::mem::MaybeUninit;

use rustix::event::Timespec;
use rustix::event::epoll::{self, Event as Ready};
use rustix::io::Errno;

use super::Shell;
use super::clock;
use super::journal::Level;
use super::limbo;
use super::signals::Asked;
use super::token::Token;
use crate::core::supervisor::Event;

/// Events of one wait.
const BATCH: usize = 64;

impl Shell {
    /// Turns until the end. Returns whether to reboot.
    pub(super) fn turn_until_the_end(&mut self) -> bool {
        loop {
            if let Some(reboot) = self.finish {
                return reboot;
            }
            self.turn();
        }
    }

    /// One turn.
    fn turn(&mut self) {
        let mut space = [const { MaybeUninit::<Ready>::uninit() }; BATCH];
        let patience = self.patience();
        let ready = match epoll::wait(&self.epoll, &mut space, patience.as_ref()) {
            Ok((ready, _)) => ready,
            Err(Errno::INTR) => return,
            Err(errno) => {
                self.journal
                    .log(Level::Error, format_args!("epoll_wait: {errno}"));
                return;
            }
        };
        self.now = clock::now();
        if ready.is_empty() || self.is_limbo_overdue() {
            self.tidy();
            self.make_ready();
        }
        for event in ready.iter() {
            if let Some(token) = Token::decode(event.data.u64()) {
                self.hear(token);
                self.carry_out();
            }
        }
        if self.more_children {
            self.reap_children();
            self.carry_out();
        }
        if self
            .core
            .next_deadline()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.core.handle(Event::Tick, self.now);
            self.carry_out();
        }
        self.expire_errands();
        self.inspect_due();
        self.look_when_due();
        self.carry_out();
        self.journal.tend(self.now);
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.feed(self.now);
        }
    }

    fn hear(&mut self, token: Token) {
        match token {
            Token::Signals => self.hear_signals(),
            Token::Jail(life) => self.hear_jail(life),
            Token::Main(life) => self.reap_main(life),
            Token::Control(life) => self.serve(life),
            Token::Readiness(life) => self.hear_notice(life),
            Token::Group(life) => {
                self.look_whether_held(life);
                self.look_whether_empty(life);
            }
            Token::Errand(number) => self.hear_errand(number),
            Token::ErrandProcess(number) => self.reap_errand(number),
        }
    }

    fn hear_signals(&mut self) {
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::Reap => self.more_children = true,
                Asked::Reboot => self.core.handle(Event::Shutdown { reboot: true }, self.now),
                Asked::PowerOff => self
                    .core
                    .handle(Event::Shutdown { reboot: false }, self.now),
                Asked::Ignore => {}
            }
        }
    }

    /// How long the loop may sleep; none is for ever.
    fn patience(&self) -> Option<Timespec> {
        if self.more_children {
            return Some(Timespec::default());
        }
        let due = [
            (!self.limbo.is_empty() || self.has_to_make_ready())
                .then(|| clock::now().saturating_add(limbo::AGAIN_MS)),
            self.journal.deadline(),
            self.core.next_deadline(),
            self.errands.next_deadline(),
            self.next_inspection(),
            self.look.map(|(due, _)| due),
            self.watchdog
                .as_ref()
                .map(super::watchdog::Watchdog::deadline),
        ];
        let due = due.into_iter().flatten().min()?;
        // A millisecond more: the kernel's wait must not end before the clock says so.
        let wait = due.saturating_sub(clock::now());
        let seconds = i64::try_from(wait / 1000).unwrap_or(i64::MAX);
        let millis = i32::try_from(wait % 1000).unwrap_or_default();
        Some(Timespec {
            tv_sec: seconds,
            tv_nsec: millis
                .saturating_add(1)
                .saturating_mul(1_000_000)
                .min(999_999_999)
                .into(),
        })
    }
}
