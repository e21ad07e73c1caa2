//! Processor time: what the weights deliver when everybody wants all
//!
//! The kernel gives each virtual gateway `capacity * weight / sum of weights`, the core's branch
//! being one more weight. That is the proof of a guarantee: after a change it must hold for every
//! contract, for a new weight takes from all others. What a ceiling keeps somebody from using comes
//! on top. Source: Linux `Documentation/admin-guide/cgroup-v2.rst`, Weights.

use limen_proto::contract::Contract;
use limen_proto::limits::{CORE_PERCENT, CORE_WEIGHT};
use limen_proto::manage::Refusal;
use limen_proto::name::Name;

use super::Question;
use crate::core::refusal::not_admitted;

/// Largest weight.
const MOST_WEIGHT: u64 = 10_000;

/// A guarantee that the weights would not deliver.
pub(super) struct Broken {
    pub(super) provider: Name,
    /// Percent of one core.
    pub(super) guaranteed: u64,
    pub(super) left: u64,
}

/// Processor time of the box, percent of one core.
pub(super) fn capacity(question: &Question<'_>) -> u64 {
    u64::from(question.capacity.cores) * 100
}

/// Sum of the weights but the contract's own.
fn other_weights(question: &Question<'_>) -> u64 {
    let weights = question.others.iter();
    let weights = weights.map(|vgw| u64::from(vgw.contract.limits.cpu_weight));
    weights.sum::<u64>() + u64::from(CORE_WEIGHT)
}

fn weight(contract: &Contract) -> u64 {
    contract.limits.cpu_weight.into()
}

/// Whether `weight` of `sum` delivers `percent`.
fn delivers(capacity: u64, weight: u64, sum: u64, percent: u64) -> bool {
    capacity * weight >= percent * sum
}

/// What the contract itself would have for certain, percent of one core.
pub(super) fn share(question: &Question<'_>) -> u64 {
    let own = weight(question.contract);
    capacity(question) * own / (other_weights(question) + own).max(1)
}

/// Others whose guarantee would not hold any more.
pub(super) fn broken(question: &Question<'_>) -> Vec<Broken> {
    let all = capacity(question);
    let sum = other_weights(question) + weight(question.contract);
    let others = question.others.iter().filter_map(|vgw| {
        let (own, guaranteed) = (
            weight(&vgw.contract),
            u64::from(vgw.contract.guarantees.cpu_percent),
        );
        (!delivers(all, own, sum, guaranteed)).then(|| Broken {
            provider: vgw.provider.clone(),
            guaranteed,
            left: all * own / sum,
        })
    });
    others.collect()
}

pub(super) fn check(question: &Question<'_>) -> Result<(), Refusal> {
    ceiling(question)?;
    core(question)?;
    own(question)?;
    let Some(first) = broken(question).into_iter().next() else {
        return Ok(());
    };
    let remedy = match largest_weight(question) {
        0 => "lower or remove another contract".to_owned(),
        most => format!("write at most {most}, or lower another contract's weight"),
    };
    Err(not_admitted(format!(
        "with weight {} the contract would leave provider {} {} % of a core for certain; {} % are guaranteed to it: {remedy} (limits.cpu-weight)",
        question.contract.limits.cpu_weight, first.provider, first.left, first.guaranteed
    )))
}

/// A limit may exceed what is guaranteed, but not the box.
fn ceiling(question: &Question<'_>) -> Result<(), Refusal> {
    let (asked, all) = (
        u64::from(question.contract.limits.cpu_percent),
        capacity(question),
    );
    if asked <= all {
        return Ok(());
    }
    Err(not_admitted(format!(
        "the contract asks for at most {asked} % of a core of processor time; this box has {all} %: write at most {all}, or 0 for no limit of its own (limits.cpu-percent)"
    )))
}

/// The core has its share for certain, too.
fn core(question: &Question<'_>) -> Result<(), Refusal> {
    let sum = other_weights(question) + weight(question.contract);
    if sum <= core_allows() {
        return Ok(());
    }
    let most = core_allows().saturating_sub(other_weights(question));
    let remedy = match most {
        0 => "lower another contract's weight".to_owned(),
        most => format!("write at most {most}, or lower another contract's weight"),
    };
    Err(not_admitted(format!(
        "with weight {} all contracts together would leave the core less than {CORE_PERCENT} % of the processors: {remedy} (limits.cpu-weight)",
        question.contract.limits.cpu_weight
    )))
}

/// The largest sum of weights with which the core has its share.
fn core_allows() -> u64 {
    u64::from(CORE_WEIGHT) * 100 / u64::from(CORE_PERCENT)
}

fn own(question: &Question<'_>) -> Result<(), Refusal> {
    let (all, others) = (capacity(question), other_weights(question));
    let own = weight(question.contract);
    let asked = u64::from(question.contract.guarantees.cpu_percent);
    if delivers(all, own, others + own, asked) {
        return Ok(());
    }
    let share = share(question);
    // The least weight that delivers it: all * w >= asked * (others + w).
    let needed = match all.checked_sub(asked) {
        Some(room @ 1..) => (asked * others).div_ceil(room),
        Some(0) | None => u64::MAX,
    };
    let remedy = if needed <= largest_weight(question) {
        format!("guarantee at most {share} %, or raise limits.cpu-weight to {needed}")
    } else {
        format!("guarantee at most {share} %, or lower or remove another contract")
    };
    Err(not_admitted(format!(
        "the contract guarantees {asked} % of a core of processor time; its weight {own} of {} on this box of {all} % delivers {share} %: {remedy} (guarantees.cpu-percent)",
        others + own
    )))
}

/// The largest weight with which every other guarantee still holds; 0 is none.
fn largest_weight(question: &Question<'_>) -> u64 {
    let (all, others) = (capacity(question), other_weights(question));
    let guarantees = question.others.iter().filter_map(|vgw| {
        let percent = u64::from(vgw.contract.guarantees.cpu_percent);
        // all * own >= percent * (others + w)
        (percent > 0).then(|| (all * weight(&vgw.contract) / percent).saturating_sub(others))
    });
    let core = core_allows().saturating_sub(others);
    guarantees.fold(MOST_WEIGHT.min(core), u64::min)
}
