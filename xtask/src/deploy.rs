//! The demonstration is brought onto the box, as an operator and two providers would.
//!
//! Each act is done only where the box lacks its result, so deploying twice changes nothing.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use crate::credentials::{Credentials, PROVIDERS};
use crate::demonstration::{self, Demonstrated, GRANT};
use crate::limenctl::{Console, Limenctl};
use crate::ports::Ports;
use crate::progress::Step;
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
        self.grant()
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

    /// The provider installs its bundle and starts it.
    fn deploy(&self, prepared: &Prepared) -> Result<()> {
        let Prepared { bundle, file } = prepared;
        let provider = self.console(bundle.provider);
        if names(&provider.json(&["bundle", "list"])?, "name").any(|name| name == bundle.name) {
            return Ok(());
        }
        let step = Step::start(format!(
            "{}: installing and starting {}",
            bundle.provider, bundle.name
        ));
        provider.json(&["bundle", "install", &file.display().to_string()])?;
        provider.json(&["bundle", "start", bundle.name])?;
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
}

/// One text field of each entry of a list.
fn names<'a>(list: &'a Value, field: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(move |entry| entry[field].as_str())
}
