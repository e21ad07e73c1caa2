//! The gateway as seen from here: one HTTPS endpoint, the Jolokia protocol
//!
//! A [`Connection`] is what the command line says; a [`Client`] is it with its files read. Every
//! request is a POST of its own: nothing is kept between two commands.

mod identity;
mod request;
mod trouble;
mod upload;

use std::path::PathBuf;

use clap::Args;

pub(crate) use request::{Client, Object};
pub(crate) use upload::Progress;

/// How to reach the gateway, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The gateway: https://HOST:PORT
    #[arg(
        long,
        global = true,
        env = "LIMEN_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) url: Option<String>,
    /// Certificate authority that signed the gateway's certificate, PEM
    #[arg(
        long,
        global = true,
        env = "LIMEN_CA",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) ca: Option<PathBuf>,
    /// Your certificate, PEM: it says who you are
    #[arg(
        long,
        global = true,
        env = "LIMEN_CERT",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) cert: Option<PathBuf>,
    /// The key of your certificate, PEM
    #[arg(
        long,
        global = true,
        env = "LIMEN_KEY",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub(crate) key: Option<PathBuf>,
}
