//! The demonstration is brought onto the box, as an operator and two providers would.
//!
//! Each act is done only where the box lacks its result, so deploying twice changes nothing.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::credentials::{Credentials, PROVIDERS};
use crate::demonstration::{self, Demonstrated, GRANT};
use crate::limenctl::{Console, Limenctl};
use crate::page;
use crate::ports::Ports;
use crate::progress::{self, Step};
use crate::workspace::Workspace;

/// A bundle's signed file.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Whose, and which.
    pub(crate) bundle: &'static Demonstrated,
    /// Where.
    pub(crate) file: PathBuf,
}

/// Whom to talk to, and as whom.
#[derive(Debug)]
pub(crate) struct Deployment<'a> {
    /// Where the contracts are.
    pub(crate) workspace: &'a Workspace,
    /// The only way to the box.
    pub(crate) limenctl: &'a Limenctl,
    /// Certificates of operator and providers.
    pub(crate) credentials: &'a Credentials,
    /// Where the box is.
    pub(crate) ports: Ports,
}

impl Deployment<'_> {
    /// Enrols the providers, deploys their bundles, gives the grant.
    pub(crate) fn run(&self, bundles: &[Prepared]) -> Result<()> {
        for provider in PROVIDERS {
            self.enrol(provider)?;
        }
        for prepared in bundles {
            self.deploy(prepared)?;
        }
        self.grant()?;
        let step = Step::start("waiting until every bundle is active and the page is served");
        let settled = self.settle();
        step.done();
        settled
    }

    fn console<'a>(&'a self, of: &'a str) -> Console<'a> {
        self.limenctl.console(self.ports, self.credentials, of)
    }

    /// The operator makes the provider's virtual gateway; the provider pins authority and key.
    fn enrol(&self, provider: &str) -> Result<()> {
        let operator = self.console("operator");
        if names(&operator.json(&["vgw", "list"])?, "provider").any(|name| name == provider) {
            return Ok(());
        }
        let step = Step::start(format!("operator: creating {provider}'s virtual gateway"));
        let path = |path: PathBuf| path.display().to_string();
        let contract = path(demonstration::contract(self.workspace, provider));
        let authority = path(self.credentials.authority(provider));
        let signing = path(self.credentials.signing_public(provider));
        operator.json(&[
            "vgw",
            "create",
            provider,
            "--contract",
            &contract,
            "--authority",
            &authority,
            "--signing-key",
            &signing,
        ])?;
        step.done();
        Ok(())
    }

    /// The provider installs its bundle; a first version is started at once.
    fn deploy(&self, prepared: &Prepared) -> Result<()> {
        let Prepared { bundle, file } = prepared;
        let provider = self.console(bundle.provider);
        if names(&provider.json(&["bundle", "list"])?, "name").any(|name| name == bundle.name) {
            return Ok(());
        }
        let step = Step::start(format!("{}: installing {}", bundle.provider, bundle.name));
        provider.json(&["bundle", "install", &file.display().to_string()])?;
        step.done();
        Ok(())
    }

    /// The exporter grants its service to the other provider.
    fn grant(&self) -> Result<()> {
        let (exporter, interface, consumer) = GRANT;
        let console = self.console(exporter);
        if names(&console.json(&["grant", "list"])?, "interface").any(|name| name == interface) {
            return Ok(());
        }
        let step = Step::start(format!("{exporter}: granting {interface} to {consumer}"));
        console.json(&["grant", "add", interface, consumer])?;
        step.done();
        Ok(())
    }

    /// Waits until everything works that the demonstration shows.
    fn settle(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let missing = self.missing()?;
            if missing.is_empty() {
                return Ok(());
            }
            if started.elapsed() > SETTLE_LIMIT {
                bail!(
                    "after {} still: {}; `limenctl bundle logs` and target/run/serial.log may tell why",
                    progress::seconds(SETTLE_LIMIT),
                    missing.join(", ")
                );
            }
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// What does not work yet. What was stopped on purpose is as it should be.
    fn missing(&self) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        let mut page_is_wanted = false;
        for provider in PROVIDERS {
            let console = self.console(provider);
            if console.json(&["vgw", "list"])?[0]["enabled"] == false {
                continue;
            }
            let list = console.json(&["bundle", "list"])?;
            for bundle in list.as_array().into_iter().flatten() {
                let text = |field: &str| bundle[field].as_str().unwrap_or("unknown").to_owned();
                let (name, state) = (text("name"), text("unit-state"));
                page_is_wanted |= name == "web" && state == "Active";
                if state != "Active" && bundle["enabled"] != false {
                    missing.push(format!(
                        "{provider}'s {name} is {state} ({})",
                        text("fault")
                    ));
                }
            }
        }
        if page_is_wanted && !page::answers(self.ports.energy_web) {
            missing.push("energy's page is not served".to_owned());
        }
        Ok(missing)
    }
}

/// From the last deployment, or the boot, to everything at work.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);

/// One text field of each entry of a list.
fn names<'a>(list: &'a Value, field: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(move |entry| entry[field].as_str())
}
