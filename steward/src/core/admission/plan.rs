//! All answers to one question: what is asked, promised and left, and who would have to yield
//!
//! Where a sum is exceeded, those are named who would have to give: the largest promise first, as
//! few of them as possible. Where a weight takes too much, everybody whose guarantee would break.

use limen_proto::manage::{Displaced, Forecast, Plan};

use super::resource::Resource;
use super::{Question, processor, resource};

pub(super) fn of(question: &Question<'_>) -> Plan {
    let resources = resource::all(question);
    let mut displaced: Vec<Displaced> = resources
        .iter()
        .flat_map(|resource| yielding(question, resource))
        .collect();
    let broken = processor::broken(question).into_iter();
    displaced.extend(broken.map(|broken| Displaced {
        provider: broken.provider,
        resource: PROCESSOR.to_owned(),
        unit: PERCENT.to_owned(),
        guaranteed: broken.guaranteed,
        left: broken.left,
    }));
    let obstacles = question.obstacles().map(|refusal| refusal.message);
    Plan {
        obstacles: obstacles.collect(),
        resources: resources
            .iter()
            .map(forecast)
            .chain([time(question)])
            .collect(),
        displaced,
    }
}

const PROCESSOR: &str = "processor time";
const PERCENT: &str = "percent of a core";

fn forecast(resource: &Resource) -> Forecast {
    Forecast {
        resource: resource.name.to_owned(),
        key: resource.key.to_owned(),
        unit: resource.unit.to_owned(),
        total: resource.total,
        promised: resource.taken(),
        asked: resource.asked,
        left: resource.left().saturating_sub(resource.asked),
    }
}

fn time(question: &Question<'_>) -> Forecast {
    let guaranteed = |percent: u16| u64::from(percent);
    let others = question.others.iter();
    let others = others.map(|vgw| guaranteed(vgw.contract.guarantees.cpu_percent));
    let (total, promised) = (processor::capacity(question), others.sum::<u64>());
    let asked = guaranteed(question.contract.guarantees.cpu_percent);
    Forecast {
        resource: PROCESSOR.to_owned(),
        key: "guarantees.cpu-percent".to_owned(),
        unit: PERCENT.to_owned(),
        total,
        promised,
        asked,
        left: processor::share(question).saturating_sub(asked),
    }
}

fn yielding(question: &Question<'_>, resource: &Resource) -> Vec<Displaced> {
    let mut short = resource.asked.saturating_sub(resource.left());
    let mut holders: Vec<(u64, &super::VgwRecord)> = resource
        .promised
        .iter()
        .copied()
        .zip(question.others.iter().copied())
        .collect();
    // Stable: among equals the lowest slot first.
    holders.sort_by_key(|(promised, _)| std::cmp::Reverse(*promised));
    let mut displaced = Vec::new();
    for (promised, vgw) in holders {
        if short == 0 || promised == 0 {
            break;
        }
        let taken = short.min(promised);
        short -= taken;
        displaced.push(Displaced {
            provider: vgw.provider.clone(),
            resource: resource.name.to_owned(),
            unit: resource.unit.to_owned(),
            guaranteed: promised,
            left: promised - taken,
        });
    }
    displaced
}
