//! The scenarios themselves, and their order
//!
//! They run one behind the other on one gateway, because booting is what costs most. Each leaves
//! the gateway as it found it: the demonstration running, nothing else installed. One that fails
//! does not end the run.

mod abuse;
mod accounts;
mod bad_input;
mod contract;
mod core_restart;
mod explain;
mod freeze;
mod kernel;
mod load;
mod main_job;
mod pace;
mod park;
mod posture;
mod power;
mod privacy;
mod reference;
mod restart;
mod scarce;
mod spare;
mod storage;
mod walls;

pub use abuse::answers_under_storms;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::bundle::{Recipe, make};
use crate::console::{Console, Outcome};
use crate::gateway::Gateway;
use crate::manifest::Manifest;
use crate::patience::wait_for;

/// A scenario: the promise that it keeps, and what it does.
pub struct Scenario {
    /// What holds when it passes, as SPECIFICATION.md names it.
    pub name: &'static str,
    /// Plays it.
    pub play: fn(&mut Scene) -> Result<()>,
}

/// All of them, in order. Those that cut the power come last.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "main-job",
        play: main_job::both_providers_serve,
    },
    Scenario {
        name: "privacy-lists",
        play: privacy::a_provider_sees_its_own_world,
    },
    Scenario {
        name: "privacy-absent",
        play: privacy::foreign_answers_as_absent,
    },
    Scenario {
        name: "operator-outside",
        play: privacy::the_operator_sees_no_inside,
    },
    Scenario {
        name: "bundle-restart",
        play: restart::a_killed_program_comes_back,
    },
    Scenario {
        name: "spare",
        play: spare::each_life_is_taken_from_a_spare,
    },
    Scenario {
        name: "vgw-life",
        play: restart::a_vgw_stops_and_starts,
    },
    Scenario {
        name: "parked",
        play: park::a_warm_vgw_is_parked_while_it_is_stopped,
    },
    Scenario {
        name: "freeze",
        play: freeze::a_frozen_vgw_stands_still,
    },
    Scenario {
        name: "accounts",
        play: accounts::use_is_counted,
    },
    Scenario {
        name: "volume-size",
        play: storage::a_volume_is_held_to_its_size,
    },
    Scenario {
        name: "volume-spent",
        play: accounts::a_spent_volume_cuts,
    },
    Scenario {
        name: "grant-revoked",
        play: reference::a_revoked_grant_cuts_at_once,
    },
    Scenario {
        name: "reference-hang-up",
        play: reference::the_other_side_sees_the_hang_up,
    },
    Scenario {
        name: "core-restart",
        play: core_restart::references_outlive_the_core,
    },
    Scenario {
        name: "contract-adjusted",
        play: contract::limits_change_on_a_running_vgw,
    },
    Scenario {
        name: "contract-under-load",
        play: contract::limits_hold_under_load_at_once,
    },
    Scenario {
        name: "guarantee-under-load",
        play: contract::a_guarantee_holds_under_load,
    },
    Scenario {
        name: "bad-contracts",
        play: contract::contracts_that_are_wrong_change_nothing,
    },
    Scenario {
        name: "admission",
        play: contract::what_does_not_fit_is_refused,
    },
    Scenario {
        name: "posture",
        play: posture::every_unit_is_as_it_should_be,
    },
    Scenario {
        name: "walls",
        play: walls::every_attack_is_blocked,
    },
    Scenario {
        name: "declared-ports",
        play: walls::undeclared_ports_are_not_taken,
    },
    Scenario {
        name: "code-by-agreement",
        play: walls::code_is_made_by_agreement,
    },
    Scenario {
        name: "minimum",
        play: walls::below_the_minimum_nothing_starts,
    },
    Scenario {
        name: "memory-limit",
        play: walls::memory_past_the_limit_kills_the_bundle_alone,
    },
    Scenario {
        name: "storms",
        play: abuse::each_kind_hits_its_own_wall,
    },
    Scenario {
        name: "storms-singly",
        play: abuse::each_storm_hits_its_own_wall,
    },
    Scenario {
        name: "write-rate",
        play: pace::a_write_rate_is_kept,
    },
    Scenario {
        name: "storms-all-at-once",
        play: abuse::all_at_once_stall_nobody_else,
    },
    Scenario {
        name: "explain",
        play: explain::what_was_refused_is_explained,
    },
    Scenario {
        name: "bad-bundles",
        play: bad_input::bad_bundles_change_nothing,
    },
    Scenario {
        name: "bad-calls",
        play: bad_input::bad_calls_change_nothing,
    },
    Scenario {
        name: "bad-certificates",
        play: bad_input::bad_certificates_get_no_answer,
    },
    Scenario {
        name: "power-cut",
        play: power::everything_comes_back,
    },
    Scenario {
        name: "damaged-state",
        play: power::a_damaged_state_file_is_survived,
    },
    Scenario {
        name: "old-disk",
        play: storage::an_older_disk_is_used_and_named,
    },
    Scenario {
        name: "kernel-lacks",
        play: kernel::what_it_lacks_is_named_and_no_vgw_is_started,
    },
    Scenario {
        name: "kernel-without-landlock",
        play: kernel::without_landlock_and_entropy_the_core_comes_up,
    },
    Scenario {
        name: "box-out-of-memory",
        play: scarce::who_took_too_much_dies,
    },
    Scenario {
        name: "orderly-end",
        play: power::the_box_ends_in_order,
    },
];

/// What a scenario works with.
#[derive(Debug)]
pub struct Scene {
    /// The box.
    pub gateway: Gateway,
    /// The operator.
    pub operator: Console,
    /// Provider energy.
    pub energy: Console,
    /// Provider alarm.
    pub alarm: Console,
    /// Static aarch64 build of the hostile program.
    pub adversary: PathBuf,
    /// There is time: hours rather than minutes.
    pub long: bool,
}

impl Scene {
    /// Consoles on a gateway.
    ///
    /// # Errors
    /// Its environment file lacks something.
    pub fn new(gateway: Gateway, adversary: &Path) -> Result<Self> {
        Ok(Self {
            operator: gateway.console("OPERATOR")?,
            energy: gateway.console("ENERGY")?,
            alarm: gateway.console("ALARM")?,
            adversary: adversary.to_owned(),
            long: false,
            gateway,
        })
    }

    /// Reads the ports of a gateway that was booted again.
    ///
    /// # Errors
    /// As [`Scene::new`].
    pub fn renew(&mut self) -> Result<()> {
        self.operator = self.gateway.console("OPERATOR")?;
        self.energy = self.gateway.console("ENERGY")?;
        self.alarm = self.gateway.console("ALARM")?;
        Ok(())
    }

    /// The console of a provider.
    fn provider(&self, name: &str) -> &Console {
        match name {
            "alarm" => &self.alarm,
            _ => &self.energy,
        }
    }

    /// Makes a bundle, signs it by its provider's key, and has that provider install it; how that
    /// went is for the caller to judge.
    fn install(&self, manifest: &Manifest, programs: &[(&str, &Path)]) -> Result<Outcome> {
        let folder = tempfile::tempdir()?;
        let provider = manifest.provider();
        let key = format!("LIMEN_SIGNING_{}", provider.to_uppercase());
        let key = self.gateway.variable(&key)?;
        let recipe = Recipe { manifest, programs };
        let limenctl = self.gateway.limenctl();
        let file = make(limenctl, folder.path(), &recipe, Some(key.as_ref()))?;
        let path = file
            .to_str()
            .context("a temporary folder with a plain name")?;
        self.provider(provider).run(&["bundle", "install", path])
    }

    /// The page of energy's bundle `web`.
    fn page(&self, path: &str) -> Result<String> {
        crate::page::get(self.gateway.variable("LIMEN_PORT_ENERGY_WEB")?, path)
    }

    /// Waits until the page is served.
    fn wait_for_page(&self) -> Result<String> {
        wait_for("energy's page", || self.page("/"))
    }

    /// Waits until every bundle of the demonstration is `Active` without a fault.
    fn wait_for_demonstration(&self) -> Result<()> {
        for (console, name) in [
            (&self.energy, "web"),
            (&self.energy, "meter"),
            (&self.alarm, "mqtt"),
            (&self.alarm, "presence"),
        ] {
            wait_for_active(console, name)?;
        }
        Ok(())
    }
}

/// Uninstalls a bundle.
fn uninstall(console: &Console, name: &str) -> Result<()> {
    console
        .run(&["bundle", "uninstall", name])?
        .succeeded()
        .map(drop)
}

/// One bundle of a console's own provider.
fn bundle(console: &Console, name: &str) -> Result<Value> {
    let list = console.json(&["bundle", "list"])?;
    list.as_array()
        .into_iter()
        .flatten()
        .find(|bundle| bundle["name"] == name)
        .cloned()
        .with_context(|| format!("no bundle {name} in {list}"))
}

fn wait_for_active(console: &Console, name: &str) -> Result<Value> {
    wait_for(format!("bundle {name} active"), || {
        let bundle = bundle(console, name)?;
        ensure!(bundle["unit-state"] == "Active", "{bundle}");
        Ok(bundle)
    })
}

/// The texts of a bundle's log, oldest first.
fn log(console: &Console, name: &str) -> Result<Vec<String>> {
    let lines = console.json(&["bundle", "logs", name])?;
    let texts = lines
        .as_array()
        .with_context(|| format!("not a list: {lines}"))?;
    Ok(texts
        .iter()
        .filter_map(|line| line["text"].as_str())
        .map(str::to_owned)
        .collect())
}

/// Number of the newest line of a bundle's log; 0 when there is none.
fn log_end(console: &Console, name: &str) -> Result<u64> {
    let lines = console.json(&["bundle", "logs", name])?;
    let last = lines.as_array().and_then(|lines| lines.last());
    Ok(last.and_then(|line| line["number"].as_u64()).unwrap_or(0))
}

/// The lines behind `after` that contain `text`.
fn lines_behind(console: &Console, name: &str, after: u64, text: &str) -> Result<Vec<String>> {
    let lines = console.json(&["bundle", "logs", name])?;
    let wanted = lines.as_array().into_iter().flatten().filter_map(|line| {
        let is_new = line["number"].as_u64().is_some_and(|number| number > after);
        line["text"]
            .as_str()
            .filter(|line| is_new && line.contains(text))
    });
    Ok(wanted.map(str::to_owned).collect())
}

/// Waits for a line behind `after` that contains `text`.
fn wait_for_line(console: &Console, name: &str, after: u64, text: &str) -> Result<String> {
    wait_for(format!("\"{text}\" in the log of {name}"), || {
        let lines = console.json(&["bundle", "logs", name])?;
        let found = lines.as_array().into_iter().flatten().find_map(|line| {
            let is_new = line["number"].as_u64().is_some_and(|number| number > after);
            line["text"]
                .as_str()
                .filter(|line| is_new && line.contains(text))
                .map(str::to_owned)
        });
        found.with_context(|| {
            let last: Vec<_> = lines
                .as_array()
                .into_iter()
                .flatten()
                .rev()
                .take(5)
                .cloned()
                .collect();
            format!("its last lines: {last:?}")
        })
    })
}
