//! A published port, asked as a browser would

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

const LIMIT: Duration = Duration::from_secs(10);

/// The text that `http://ADDRESS/path` answers with status 200.
///
/// # Errors
/// No connection, no answer, another status.
pub fn get(address: &str, path: &str) -> Result<String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .build()
        .into();
    let url = format!("http://{address}{path}");
    let mut response = agent
        .get(&url)
        .call()
        .with_context(|| format!("cannot get {url}"))?;
    ensure!(
        response.status() == 200,
        "{url} answers {}",
        response.status()
    );
    Ok(response.body_mut().read_to_string()?)
}
