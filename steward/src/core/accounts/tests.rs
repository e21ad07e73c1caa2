//! Accounts against a model that sees everything, and the ledger in a simulated house

use std::collections::BTreeMap;

use limen_proto::account::{Counters, Era};
use limen_proto::contract::{Contract, Rate, Spent, Volume, Wan};
use limen_proto::control::Verb as InitVerb;
use limen_proto::id::{Generation, UnitId, UnitRef};
use limen_proto::jail::{Found, Stored};
use limen_proto::manage::{Answer, Verb};
use limen_proto::month::Month;
use limen_proto::state::UnitState;

use super::{Account, LITTLE, Payer, volume};
use crate::core::tests::house::*;
use crate::core::turn::Input;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn cpu(cpu_us: u64) -> Counters {
    Counters {
        cpu_us,
        ..Counters::default()
    }
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % below
    }
}

/// A naive account: every use is written into the month in which the next look at it falls.
#[derive(Default)]
struct Model {
    pending: u64,
    months: BTreeMap<Month, u64>,
}

impl Model {
    fn look(&mut self, month: Month) {
        // What lies in months that are not there yet was counted by a clock that was wrong.
        let later = self.months.split_off(&Month(month.0 + 1));
        let moved = later.into_values().sum::<u64>() + std::mem::take(&mut self.pending);
        *self.months.entry(month).or_default() += moved;
    }
}

#[test]
fn an_account_agrees_with_one_that_sees_every_use() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let mut model = Model::default();
        let (mut account, mut earlier) = (Account::default(), BTreeMap::new());
        let mut month = Month(1000);
        account.turn_to(month, &mut earlier);
        let (mut era, mut spent, mut live) = (1, 0, 0);
        for _ in 0..200 {
            match dice.roll(10) {
                0..4 => {
                    let used = dice.roll(1000);
                    live += used;
                    model.pending += used;
                }
                // A life ends; what it used is reported.
                4 => spent += std::mem::take(&mut live),
                // A look at a moment at which the kernel has no cgroup and init has not said yet.
                5 => drop(account.count(Era(era), cpu(spent), 0)),
                6 => {
                    month = Month(month.0 + u32::try_from(dice.roll(3)).unwrap());
                    account.turn_to(month, &mut earlier);
                    model.look_only(month);
                }
                7 => {
                    month = Month(month.0 - u32::try_from(dice.roll(3)).unwrap());
                    account.turn_to(month, &mut earlier);
                    model.look_only(month);
                }
                _ => {
                    account.count(Era(era), cpu(spent + live), 0);
                    model.look(month);
                    // The box boots anew, or the record does.
                    if dice.roll(5) == 0 {
                        (era, spent, live) = (era + 1, 0, 0);
                    }
                }
            }
        }
        account.count(Era(era), cpu(spent + live), 0);
        model.look(month);
        earlier.insert(account.month, account.counted);
        let found: BTreeMap<Month, u64> = earlier
            .into_iter()
            .map(|(month, counted)| (month, counted.cpu_us))
            .filter(|(_, used)| *used > 0)
            .collect();
        model.months.retain(|_, used| *used > 0);
        let sum: u64 = model.months.values().sum();
        assert_eq!(account.total.cpu_us, sum, "seed {seed}");
        assert_eq!(found.values().sum::<u64>(), sum, "seed {seed}");
    }
}

impl Model {
    /// The clock shows another month.
    fn look_only(&mut self, month: Month) {
        let later = self.months.split_off(&Month(month.0 + 1));
        *self.months.entry(month).or_default() += later.into_values().sum::<u64>();
    }
}

#[test]
fn nothing_is_counted_twice_and_nothing_goes_down() {
    let mut account = Account::default();
    account.count(Era(1), cpu(50), 0);
    account.count(Era(1), cpu(20), 0);
    account.count(Era(1), cpu(50), 0);
    assert_eq!(account.total.cpu_us, 50);
    account.count(Era(2), cpu(7), 0);
    assert_eq!(account.total.cpu_us, 57, "a new record counts from zero");
    account.count(Era(3), cpu(u64::MAX), 0);
    assert_eq!(account.total.cpu_us, u64::MAX, "it stops at the end");
}

#[test]
fn a_peak_of_last_month_is_not_one_of_this() {
    let peak = |memory_peak| Counters {
        memory_peak,
        ..Counters::default()
    };
    let mut earlier = BTreeMap::new();
    let mut account = Account::default();
    account.turn_to(Month(1), &mut earlier);
    account.count(Era(1), peak(900), 100);
    account.turn_to(Month(2), &mut earlier);
    account.count(Era(1), peak(900), 120);
    assert_eq!(earlier[&Month(1)].memory_peak, 900);
    assert_eq!(account.counted.memory_peak, 120);
    assert_eq!(account.total.memory_peak, 900);
    account.count(Era(1), peak(950), 130);
    assert_eq!(account.counted.memory_peak, 950);
}

#[test]
fn payers_are_found_again_by_their_text() {
    let payers = [
        Payer::Core(name("steward")),
        Payer::Vgw(slot(3)),
        Payer::Install(slot(3)),
        Payer::Bundle(slot(3), limen_proto::id::BundleIndex::new(4).unwrap()),
    ];
    for payer in payers {
        assert_eq!(payer.to_string().parse(), Ok(payer));
    }
    for wrong in [
        "",
        "vgw",
        "vgw/x",
        "vgw/99",
        "vgw/1/99",
        "vgw/1/2/3",
        "core/A",
    ] {
        assert!(wrong.parse::<Payer>().is_err(), "{wrong}");
    }
}

fn use_up(house: &mut House, unit: UnitId, counters: Counters) {
    house.disk.counters.insert(unit, counters);
}

fn total(house: &mut House) -> Counters {
    house.vgw("energy").unwrap().account.total
}

#[test]
fn what_was_counted_survives_a_steward_and_loses_little_with_the_power() {
    let mut house = House::inhabited();
    use_up(&mut house, vgw_unit(1), cpu(5_000_000));
    house.pass(MINUTE);
    assert_eq!(total(&mut house).cpu_us, 5_000_000);
    let mut house = house.restart_steward();
    use_up(&mut house, vgw_unit(1), cpu(LITTLE.0 + 6_000_000));
    house.pass(MINUTE);
    assert_eq!(
        total(&mut house).cpu_us,
        LITTLE.0 + 6_000_000,
        "nothing is missed"
    );
    house.pass(15 * MINUTE);
    use_up(&mut house, vgw_unit(1), cpu(LITTLE.0 + 8_000_000));
    house.pass(MINUTE);
    let mut house = house.cut_power();
    assert_eq!(
        total(&mut house).cpu_us,
        LITTLE.0 + 6_000_000,
        "what was counted 15 minutes before is there"
    );
    use_up(&mut house, vgw_unit(1), cpu(10));
    house.pass(MINUTE);
    assert_eq!(total(&mut house).cpu_us, LITTLE.0 + 6_000_010);
}

#[test]
fn lives_that_ended_are_counted_by_what_init_reports() {
    let mut house = House::inhabited();
    use_up(&mut house, vgw_unit(1), cpu(100));
    house.pass(MINUTE);
    let report = house.units.get_mut(&vgw_unit(1)).unwrap();
    report.spent = cpu(130);
    report.unit.generation = Generation(77);
    let report = *report;
    house.disk.counters.clear();
    house.feed(Input::Reported(report));
    assert_eq!(total(&mut house).cpu_us, 130);
    use_up(&mut house, vgw_unit(1), cpu(3));
    assert_eq!(total(&mut house).cpu_us, 133);
}

#[test]
fn a_links_counters_belong_to_one_life() {
    let mut house = House::inhabited();
    let found = |bytes| Found {
        counters: Counters {
            bytes_sent: bytes,
            ..Counters::default()
        },
        disk: Stored {
            bytes: 4096,
            inodes: 3,
        },
        ..Found::default()
    };
    let life = house.units[&vgw_unit(1)].unit;
    house.feed(Input::Counted(life, found(500)));
    let vgw = house.vgw("energy").unwrap();
    assert_eq!((vgw.usage.disk, vgw.usage.inodes), (4096, 3));
    assert_eq!(vgw.account.total.bytes_sent, 500);
    let late = UnitRef {
        generation: Generation(0),
        ..life
    };
    house.feed(Input::Counted(late, found(9000)));
    assert_eq!(total(&mut house).bytes_sent, 500, "another life's link");
}

#[test]
fn months_turn_with_the_calendar_and_are_remembered_for_a_year() {
    let mut house = House::inhabited();
    let mut used = 0;
    for _ in 0..16 {
        used += 1_000_000;
        use_up(&mut house, vgw_unit(1), cpu(used));
        house.pass(31 * DAY);
    }
    let verb = Verb::ReadVgwMonths {
        provider: name("energy"),
    };
    let Ok(Answer::Months(months)) = house.operator(verb.clone()) else {
        panic!("months");
    };
    assert_eq!(months.len(), super::MONTHS + 1);
    assert!(months.windows(2).all(|pair| pair[0].month < pair[1].month));
    let mut house = house.cut_power();
    let Ok(Answer::Months(again)) = house.operator(verb) else {
        panic!("months");
    };
    assert_eq!(months[..super::MONTHS], again[..super::MONTHS]);
}

#[test]
fn a_place_that_is_given_away_begins_with_nothing() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    use_up(&mut house, vgw_unit(1), cpu(LITTLE.0 * 2));
    use_up(&mut house, bundle_unit(1, 0), cpu(LITTLE.0 * 2));
    house.pass(16 * MINUTE);
    assert!(
        house
            .disk
            .desired
            .accounts
            .contains_key(&Payer::Vgw(slot(1)))
    );
    house.disk.counters.clear();
    let remove = Verb::RemoveVgw {
        provider: name("energy"),
        discard_volumes: true,
    };
    house.operator(remove).unwrap();
    assert!(
        house
            .disk
            .desired
            .accounts
            .keys()
            .all(|payer| payer.slot() != Some(slot(1)))
    );
    house.create("energy", contract()).unwrap();
    assert_eq!(total(&mut house), Counters::default());
}

#[test]
fn a_provider_hears_of_a_bundle_that_was_out_of_memory_and_the_operator_not_of_which() {
    let mut house = House::inhabited();
    house.install("energy", summary("web", 1)).unwrap();
    for kills in 1..200 {
        let report = house.units.get_mut(&bundle_unit(1, 0)).unwrap();
        report.spent.oom_kills = kills;
        report.state = UnitState::Restarting;
        report.fault = limen_proto::state::Fault::OutOfMemory;
        let report = *report;
        house.feed(Input::Reported(report));
    }
    let told: Vec<_> = house
        .disk
        .events
        .iter()
        .filter(|event| event.text.contains("out of memory"))
        .collect();
    assert_eq!(
        told.len(),
        60,
        "a crash loop costs a bounded number of events"
    );
    assert_eq!(told[0].provider, Some(name("energy")));
    assert_eq!(told[0].text, "ended a bundle that was out of memory|web");
    let bundle = house.bundle("energy", "web").unwrap();
    assert_eq!(bundle.fault.to_string(), "X_LIMEN_OutOfMemory");
}

/// Bytes that this thread gave to write(2) and its like (`proc_pid_io(5)`, `wchar`).
fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.unwrap().parse().unwrap()
}

/// A day in which the box does `work` each minute; what its commits write into a real file.
fn day(work: impl Fn(u64) -> Counters) -> (usize, u64) {
    let mut house = House::inhabited();
    let units = [vgw_unit(1), vgw_unit(2), UnitId::Core(0)];
    for (place, of) in ["web", "meter", "clock"].into_iter().enumerate() {
        house.install("energy", summary(of, 1)).unwrap();
        let index = u16::try_from(place).unwrap();
        house.disk.counters.insert(bundle_unit(1, index), cpu(1));
    }
    let before = house.disk.history.len();
    let bundles: Vec<UnitId> = house.disk.counters.keys().copied().collect();
    for minute in 1..=24 * 60 {
        for unit in units.iter().chain(&bundles) {
            house.disk.counters.insert(*unit, work(minute));
        }
        house.pass(MINUTE);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut store = crate::state::open(folder.path()).unwrap().store;
    let (first, then) = house.disk.history.split_at(before);
    for (changes, marks) in first {
        store.commit(changes, *marks).unwrap();
    }
    store.keep_generation().unwrap();
    let begin = written();
    for (changes, marks) in then {
        store.commit(changes, *marks).unwrap();
        assert!(!store.is_unkept(), "accounts alone cost no generation");
    }
    (then.len(), written() - begin)
}

#[test]
fn an_idle_day_writes_less_than_a_mebibyte() {
    // 0.1 % of a core each, and a packet now and then.
    let (commits, bytes) = day(|minute| Counters {
        cpu_us: minute * 60_000,
        bytes_sent: minute * 100,
        ..Counters::default()
    });
    println!("{commits} commits, {bytes} bytes");
    assert!(commits <= 10, "{commits} commits");
    assert!(bytes < 1 << 20, "{bytes} bytes");
    assert!(bytes > 1 << 12, "{bytes} bytes: was anything measured?");
}

#[test]
fn a_busy_day_writes_every_quarter_of_an_hour_and_no_more() {
    let (commits, bytes) = day(|minute| Counters {
        cpu_us: minute * 60_000_000,
        bytes_sent: minute * 700_000_000,
        bytes_received: minute * 700_000_000,
        ..Counters::default()
    });
    println!("{commits} commits, {bytes} bytes");
    // Four more are the clock's.
    assert!(commits <= 96 + 4, "{commits} commits");
    assert!(bytes < 8 << 20, "{bytes} bytes");
}

fn with_volume(then: Spent) -> Contract {
    Contract {
        volume: Volume { bytes: 1000, then },
        wan: Wan::All,
        publish: heapless::Vec::from_slice(&[publish(8080)]).unwrap(),
        ..contract()
    }
}

fn sent(house: &mut House, bytes: u64) {
    let life = house.units[&vgw_unit(1)].unit;
    let counters = Counters {
        bytes_sent: bytes / 2,
        bytes_received: bytes - bytes / 2,
        ..Counters::default()
    };
    let found = Found {
        counters,
        ..Found::default()
    };
    house.feed(Input::Counted(life, found));
}

fn last_adjust(house: &House) -> Option<Contract> {
    house.asked.iter().rev().find_map(|verb| match verb {
        InitVerb::Adjust { contract, .. } => Some(contract.clone()),
        InitVerb::StartVgw { spec, .. } => Some(spec.contract.clone()),
        _ => None,
    })
}

#[test]
fn a_spent_volume_slows_both_directions_until_the_month_turns() {
    let mut house = House::new();
    let held = with_volume(Spent::Slow { bits: 64_000 });
    house.create("energy", held.clone()).unwrap();
    sent(&mut house, 999);
    assert!(!house.vgw("energy").unwrap().spent);
    sent(&mut house, 1000);
    let vgw = house.vgw("energy").unwrap();
    assert!(vgw.spent);
    assert_eq!(vgw.contract, held, "the contract is what was agreed");
    let slowed = last_adjust(&house).unwrap();
    assert_eq!(
        (slowed.upload, slowed.download),
        (Rate::of(64_000), Rate::of(64_000))
    );
    assert_eq!(slowed.publish, held.publish);
    let told = house.disk.events.last().unwrap();
    assert_eq!(told.provider, Some(name("energy")));
    assert!(told.text.contains("spent"), "{told:?}");

    let mut house = house.cut_power();
    let slowed = last_adjust(&house).unwrap();
    assert_eq!(slowed.upload, Rate::of(64_000), "after a power cut too");
    assert!(house.vgw("energy").unwrap().spent);
    let events = house.disk.events.len();
    house.pass(31 * DAY);
    assert_eq!(last_adjust(&house), Some(held), "another month");
    assert!(!house.vgw("energy").unwrap().spent);
    assert_eq!(house.disk.events.len(), events + 1);
}

#[test]
fn a_spent_volume_cuts_and_a_larger_one_gives_back() {
    let mut house = House::new();
    let held = with_volume(Spent::Cut);
    house.create("energy", held.clone()).unwrap();
    sent(&mut house, 5000);
    let cut = last_adjust(&house).unwrap();
    assert_eq!(cut.wan, Wan::None);
    assert!(cut.publish.is_empty());
    let adjusts = house.asked.len();
    house.pass(1);
    assert_eq!(house.asked.len(), adjusts, "told once");
    let mut larger = held;
    larger.volume.bytes = 10_000;
    let verb = Verb::SetContract {
        provider: name("energy"),
        contract: larger.clone(),
    };
    assert!(house.operator(verb).is_ok());
    assert_eq!(last_adjust(&house), Some(larger));
    assert!(!house.vgw("energy").unwrap().spent);
    sent(&mut house, 10_000);
    assert!(house.vgw("energy").unwrap().spent, "and is spent again");
}

#[test]
fn links_with_a_volume_are_looked_at_often_and_others_are_not() {
    let mut house = House::inhabited();
    let verb = Verb::SetContract {
        provider: name("energy"),
        contract: with_volume(Spent::Cut),
    };
    house.operator(verb).unwrap();
    house.asked.clear();
    for _ in 0..30 {
        house.pass(volume::LOOK_MS);
    }
    let looks = |house: &House, of| {
        let looked = |verb: &&InitVerb| **verb == InitVerb::Count { slot: slot(of) };
        house.asked.iter().filter(looked).count()
    };
    assert!(looks(&house, 1) >= 30, "{}", looks(&house, 1));
    assert!((1..=6).contains(&looks(&house, 2)), "{}", looks(&house, 2));
    assert!(house.steward.deadline_ms() <= house.now.monotonic_ms + volume::LOOK_MS);
}
