//! Two providers at work on one gateway

use anyhow::{Result, ensure};

use super::{Scene, log_end, wait_for_line};
use crate::mqtt::Client;
use crate::patience::wait_for;

/// A page out of energy's sandbox, a broker out of alarm's, and a report that crosses between them.
pub(super) fn both_providers_serve(scene: &mut Scene) -> Result<()> {
    let page = scene.wait_for_page()?;
    ensure!(page.contains("energy"), "the page is another: {page}");
    scene.wait_for_demonstration()?;
    let mqtt = scene.gateway.variable("LIMEN_PORT_ALARM_MQTT")?;
    wait_for("a message through alarm's broker", || {
        Client::connect(mqtt, "sender")?.retain("limen/main-job", "carried")?;
        let message = Client::connect(mqtt, "receiver")?.first("limen/main-job")?;
        ensure!(message == "carried", "it says {message}");
        Ok(())
    })?;
    let end = log_end(&scene.alarm, "presence")?;
    wait_for_line(&scene.alarm, "presence", end, "power=")?;
    let serial = scene.gateway.serial();
    ensure!(
        serial.contains("limen: core active"),
        "init's marker is not on the console"
    );
    Ok(())
}
