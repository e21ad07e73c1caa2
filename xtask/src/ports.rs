//! Ports of this machine that lead into the emulated box.
//!
//! All listen on the loopback address only: the box is nobody else's on the network. A port that
//! was not asked for is one that the kernel says is free. It is given back before the emulator
//! takes it, so another program may take it first; the emulator then says so and nothing is lost.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// The ports that may be asked for.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Wanted {
    /// Port of the management endpoint on this machine, instead of a free one
    #[arg(long, value_name = "PORT")]
    port_management: Option<u16>,
    /// Port of energy's web page on this machine, instead of a free one
    #[arg(long, value_name = "PORT")]
    port_energy_web: Option<u16>,
    /// Port of alarm's MQTT broker on this machine, instead of a free one
    #[arg(long, value_name = "PORT")]
    port_alarm_mqtt: Option<u16>,
}

/// The ports of one running box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Leads to the management endpoint.
    pub(crate) management: u16,
    /// Leads to the page that energy's bundle `web` serves.
    pub(crate) energy_web: u16,
    /// Leads to alarm's bundle `mqtt`.
    pub(crate) alarm_mqtt: u16,
}

impl Wanted {
    /// Finds a port for each.
    pub(crate) fn find(self) -> Result<Ports> {
        // Held until all are found, so that no two are the same.
        let management = open(self.port_management)?;
        let energy_web = open(self.port_energy_web)?;
        let alarm_mqtt = open(self.port_alarm_mqtt)?;
        let number = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
        Ok(Ports {
            management: number(&management)?,
            energy_web: number(&energy_web)?,
            alarm_mqtt: number(&alarm_mqtt)?,
        })
    }
}

fn open(wanted: Option<u16>) -> Result<TcpListener> {
    let port = wanted.unwrap_or(0);
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| match wanted {
        Some(port) => format!("port {port} of this machine is taken; ask for another, or for none"),
        None => "this machine has no free port".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() -> Result<()> {
        let ports = Wanted::default().find()?;
        assert_ne!(ports.management, ports.energy_web);
        assert_ne!(ports.energy_web, ports.alarm_mqtt);
        Ok(())
    }

    #[test]
    fn a_taken_port_is_refused_by_number() -> Result<()> {
        let taken = open(None)?;
        let port = taken.local_addr()?.port();
        let refusal = Wanted {
            port_energy_web: Some(port),
            ..Wanted::default()
        }
        .find();
        assert!(refusal.is_err_and(|error| error.to_string().contains(&port.to_string())));
        Ok(())
    }
}
