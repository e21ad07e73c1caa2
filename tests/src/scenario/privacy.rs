//! Who sees what

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Scene;
use crate::console::Console;

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|bundle| bundle["name"].as_str())
        .collect()
}

fn objects(console: &Console, pattern: &str) -> Result<Vec<String>> {
    let found = console.json(&["object", "search", pattern])?;
    let texts = found
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    Ok(texts.map(str::to_owned).collect())
}

/// Lists and searches hold the caller's own world.
pub(super) fn a_provider_sees_its_own_world(scene: &mut Scene) -> Result<()> {
    let bundles = scene.alarm.json(&["bundle", "list"])?;
    let mut own = names(&bundles);
    own.sort_unstable();
    ensure!(own == ["mqtt", "presence"], "alarm sees {own:?}");
    let seen = objects(&scene.alarm, "*:*")?;
    ensure!(
        seen.iter().any(|name| name.contains("provider=alarm")),
        "nothing of its own: {seen:?}"
    );
    ensure!(
        !seen.iter().any(|name| name.contains("energy")),
        "alarm sees energy: {seen:?}"
    );
    ensure!(
        !seen
            .iter()
            .any(|name| name.contains("VirtualGatewayFactory")),
        "{seen:?}"
    );
    let vgws = scene.alarm.json(&["vgw", "list"])?;
    ensure!(!vgws.to_string().contains("energy"), "alarm lists {vgws}");
    Ok(())
}

/// What is another's answers exactly as what does not exist, but for the name that was asked for.
pub(super) fn foreign_answers_as_absent(scene: &mut Scene) -> Result<()> {
    let pairs = [
        (
            "limen:type=VirtualGateway,provider=energy",
            "limen:type=VirtualGateway,provider=nobody",
        ),
        (
            "limen:type=Bundle,provider=energy,name=web",
            "limen:type=Bundle,provider=energy,name=nix",
        ),
        (
            "limen:type=Bundle,provider=energy,name=web",
            "limen:type=Bundle,provider=nobody,name=web",
        ),
    ];
    for (foreign, absent) in pairs {
        for arguments in [&["object", "read"][..], &["--json", "object", "read"][..]] {
            let ask = |name: &str| scene.alarm.refused(&[arguments, &[name]].concat());
            let (real, missing) = (ask(foreign)?, ask(absent)?);
            ensure!(real.status == missing.status, "{real:?} {missing:?}");
            let same = |text: &str, name: &str| text.replace(name, "NAME");
            ensure!(
                same(&real.error, foreign) == same(&missing.error, absent)
                    && same(&real.output, foreign) == same(&missing.output, absent),
                "foreign and absent differ:\n{real:?}\n{missing:?}"
            );
        }
    }
    let exec = |name: &str| scene.alarm.refused(&["object", "exec", name, "stop"]);
    let foreign = exec("limen:type=Bundle,provider=energy,name=web")?;
    let absent = exec("limen:type=Bundle,provider=energy,name=nix")?;
    ensure!(foreign.error.replace("name=web", "") == absent.error.replace("name=nix", ""));
    ensure!(super::bundle(&scene.energy, "web")?["unit-state"] == "Active");
    Ok(())
}

/// The operator manages virtual gateways without seeing inside.
pub(super) fn the_operator_sees_no_inside(scene: &mut Scene) -> Result<()> {
    let seen = objects(&scene.operator, "*:*")?;
    for own in [
        "provider=energy",
        "provider=alarm",
        "type=VirtualGatewayFactory",
        "type=Core",
    ] {
        ensure!(
            seen.iter().any(|name| name.contains(own)),
            "the operator misses {own}: {seen:?}"
        );
    }
    ensure!(
        !seen.iter().any(|name| name.contains("type=Bundle")),
        "it sees bundles: {seen:?}"
    );
    let web = "limen:type=Bundle,provider=energy,name=web";
    scene.operator.refused(&["object", "read", web])?;
    scene
        .operator
        .refused(&["object", "exec", web, "logs", "0", "10"])?;
    Ok(())
}
