//! Storms: taking more than a share, again and again, until somebody ends it
//!
//! An attempt asks whether a wall stands; a storm leans on it while others are watched. Each runs in
//! a process of its own, which is started again when a wall kills it. It says once that it has begun,
//! once what first held it, and never ends by itself.

mod disk;
mod memory;
mod objects;
mod processes;
mod processor;

use std::time::Duration;

use crate::sys;
use crate::world::World;

/// One way to lean on the box.
pub(crate) struct Storm {
    /// Its word on the command line.
    name: &'static str,
    /// Its case of the threat catalogue.
    case: &'static str,
    /// Does it for ever; returns when it can go no further, and is begun again.
    rage: fn(&World, &mut Wall),
}

/// Every storm.
const ALL: &[&[Storm]] = &[
    processes::STORMS,
    memory::STORMS,
    objects::STORMS,
    disk::STORMS,
    processor::STORMS,
];

/// What held a storm, said once.
pub(crate) struct Wall {
    name: &'static str,
    case: &'static str,
    said: bool,
}

impl Wall {
    /// The storm was refused with `errno` after so many of what it takes.
    pub(crate) fn held(&mut self, errno: i32, after: usize) {
        if !std::mem::replace(&mut self.said, true) {
            let (name, case) = (self.name, self.case);
            println!(
                "storm {case} {name} held {} after {after}",
                sys::errno_name(errno)
            );
        }
    }
}

/// Rages until it is killed. Words that no storm has end it at once.
pub(crate) fn run(words: &[String], world: &World) -> ! {
    let every = || ALL.iter().copied().flatten();
    let wanted = |storm: &&Storm| words.iter().any(|word| word == storm.name || word == "all");
    for word in words {
        if word != "all" && !every().any(|storm| word == storm.name) {
            println!("storm ? {word} error unknown to this program");
        }
    }
    let storms: Vec<_> = every().filter(wanted).collect();
    let mut children: Vec<_> = storms.iter().map(|storm| begin(storm, world)).collect();
    loop {
        for (storm, child) in storms.iter().zip(&mut children) {
            let gone = child.is_none_or(sys::has_ended);
            if gone {
                *child = begin(storm, world);
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// None when there is no room for its process.
fn begin(storm: &Storm, world: &World) -> Option<i32> {
    let child = sys::spawn(|| {
        let mut wall = Wall {
            name: storm.name,
            case: storm.case,
            said: false,
        };
        println!("storm {} {} begun", storm.case, storm.name);
        loop {
            (storm.rage)(world, &mut wall);
        }
    });
    child.ok()
}
