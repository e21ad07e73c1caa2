//! `cargo xtask run`: from a clean clone to two providers at work on an emulated gateway.
//!
//! Everything that can fail without a box is done before the box boots. What the demonstration
//! wants is compared with what the box has, so a run on an existing data disk deploys nothing
//! anew: that is how the state is seen to have survived.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use limen_cross::Target;
use limen_images::disk::{self, Provision};
use limen_images::image::{Builder, Image};
use limen_images::machine::Machine;
use limen_images::qemu::{Configuration, Forward, Transport};

use super::{build, setup, stop};
use crate::claim::Claim;
use crate::credentials::{Credentials, PROVIDERS};
use crate::demonstration::{self, Kitchen};
use crate::deploy::{Deployment, Prepared};
use crate::environment::{self, Environment};
use crate::limenctl::Limenctl;
use crate::ports::{Ports, Wanted};
use crate::progress::{self, Step, heading};
use crate::turn::{Shared, Turn};
use crate::workspace::Workspace;

/// Port of the management endpoint on the box (`listen` in images/units.toml).
pub(crate) const MANAGEMENT: u16 = 8443;

/// Size of the data disk's sparse file: both contracts, and as much again for the core.
const DISK: u64 = 512 << 20;

/// From the emulator's start to the endpoint's first answer; fifteen seconds are usual.
const BOOT_LIMIT: Duration = Duration::from_secs(180);

/// Command line of `run`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Kernel of the box: 6.1 or 6.12
    #[arg(long, default_value = "6.12")]
    kernel: String,
    /// Memory of the box in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    memory: u32,
    /// Return once everything is up; `cargo xtask stop` ends the box
    #[arg(long)]
    detach: bool,
    /// Forget the state of earlier runs: data disk, credentials, signing keys
    #[arg(long)]
    fresh: bool,
    /// One more word for the kernel's command line (repeatable)
    #[arg(long, value_name = "WORD")]
    kernel_word: Vec<String>,
    /// Give the box no random numbers to begin with
    #[arg(long)]
    no_seed: bool,
    /// Boot the box and deploy nothing
    #[arg(long)]
    bare: bool,
    #[command(flatten)]
    ports: Wanted,
}

/// Runs the demonstration.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let folder = workspace.run();
    let claim = Claim::take(&folder)?;
    if arguments.fresh {
        claim.clear(&folder)?;
    }
    let pantry = Pantry::fill(workspace, &arguments.kernel)?;
    let who = format!("the demonstration in {}", folder.display());
    let turn = Turn::wait(workspace, Shared::Demonstration, &who)?;
    let bundles = pantry.bundles(workspace)?;

    let interrupted = interrupted()?;
    let ports = arguments.ports.find()?;
    let step = Step::start(format!(
        "booting the box with kernel {}",
        pantry.image.kernel_version
    ));
    let mut machine = pantry.boot(workspace, arguments, ports)?;
    feed(&machine)?;
    let environment = Environment::new(ports, &pantry.credentials, &machine.serial_log());
    environment.write(&environment::path(workspace))?;
    wait_for_endpoint(&pantry, ports, &mut machine, &interrupted)?;
    step.done();

    let deployment = Deployment {
        workspace,
        limenctl: &pantry.limenctl,
        credentials: &pantry.credentials,
        ports,
    };
    if !arguments.bare {
        deployment.run(&bundles)?;
    }
    drop(turn);
    println!(
        "\nUp after {}.\n\n{}",
        progress::seconds(started.elapsed()),
        welcome(workspace, ports)
    );
    if arguments.detach {
        println!("The box runs on; `cargo xtask stop` ends it.");
        machine.detach();
        return Ok(());
    }
    println!("Ctrl-C ends it.");
    stay(workspace, &mut machine, &interrupted)
}

/// All that is made before a box boots.
struct Pantry {
    limenctl: Limenctl,
    programs: Vec<limen_cross::Built>,
    image: Image,
    builder: Builder,
    credentials: Credentials,
}

impl Pantry {
    fn fill(workspace: &Workspace, kernel: &str) -> Result<Self> {
        setup::ready(workspace, Target::Aarch64)?;
        let builder = build::images(workspace);
        // Debian's packages are downloaded while the compilers work.
        let download = {
            let (builder, kernel) = (builder.clone(), kernel.to_owned());
            thread::spawn(move || {
                builder.kernel(&kernel)?;
                demonstration::fetch(&builder.fetcher())
            })
        };
        heading("limenctl for this machine");
        let limenctl = Limenctl::build(workspace)?;
        let programs = build::programs(workspace, Target::Aarch64)?;
        match download.join() {
            Ok(result) => result?,
            Err(_) => bail!("downloading Debian's packages panicked"),
        }
        heading("image");
        let image = build::image(&builder, kernel, &programs)?;
        let credentials = Credentials::open(&workspace.run().join("credentials"))?;
        for provider in PROVIDERS {
            let (secret, public) = (
                credentials.signing_key(provider),
                credentials.signing_public(provider),
            );
            if !secret.exists() {
                limenctl.keygen(&secret, &public)?;
            }
        }
        Ok(Self {
            limenctl,
            programs,
            image,
            builder,
            credentials,
        })
    }

    fn bundles(&self, workspace: &Workspace) -> Result<Vec<Prepared>> {
        let fetcher = self.builder.fetcher();
        let kitchen = Kitchen {
            workspace,
            fetcher: &fetcher,
            programs: &self.programs,
            limenctl: &self.limenctl,
            credentials: &self.credentials,
        };
        demonstration::BUNDLES
            .iter()
            .map(|bundle| {
                Ok(Prepared {
                    bundle,
                    file: kitchen.bundle(bundle)?,
                })
            })
            .collect()
    }

    fn boot(&self, workspace: &Workspace, arguments: &Arguments, ports: Ports) -> Result<Machine> {
        let folder = workspace.run();
        let data = folder.join("data.img");
        disk::ensure_disk(
            &data,
            DISK,
            &Provision {
                operator_ca: self.credentials.authority("operator"),
                gateway_certificate: self.credentials.certificate("gateway"),
                gateway_key: self.credentials.key("gateway"),
            },
        )?;
        let forward = |host, guest| Forward {
            transport: Transport::Tcp,
            host,
            guest,
        };
        let mut configuration = Configuration::new(self.image.clone(), data, folder);
        configuration.memory = arguments.memory;
        configuration
            .kernel_words
            .clone_from(&arguments.kernel_word);
        configuration.seeded = !arguments.no_seed;
        configuration.forwards = vec![
            forward(ports.management, MANAGEMENT),
            // As published by the contracts in xtask/demonstration.
            forward(ports.energy_web, 8080),
            forward(ports.alarm_mqtt, 1883),
        ];
        configuration.spawn()
    }
}

/// Starts the meter: a process of its own, because with `--detach` it outlives this one.
fn feed(machine: &Machine) -> Result<()> {
    use std::os::unix::process::CommandExt;

    let program = std::env::current_exe().context("cannot find this program")?;
    Command::new(program)
        .arg("feed")
        .arg(machine.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C is not for it: it ends with the emulator.
        .process_group(0)
        .spawn()
        .map(drop)
        .context("cannot start the meter")
}

fn wait_for_endpoint(
    pantry: &Pantry,
    ports: Ports,
    machine: &mut Machine,
    interrupted: &AtomicBool,
) -> Result<()> {
    let console = pantry
        .limenctl
        .console(ports, &pantry.credentials, "operator");
    let started = Instant::now();
    loop {
        match console.json(&["vgw", "list"]) {
            Ok(_) => return Ok(()),
            Err(error) if started.elapsed() > BOOT_LIMIT => {
                return Err(error).with_context(|| {
                    format!(
                        "the endpoint does not answer after {}; the box's last words:\n{}",
                        progress::seconds(BOOT_LIMIT),
                        machine.last_words()
                    )
                });
            }
            Err(_) if interrupted.load(Ordering::Relaxed) => bail!("interrupted"),
            Err(_) => {}
        }
        // Ended already is told at once, not after the limit.
        if machine.wait(Duration::ZERO).is_ok() {
            bail!(
                "the box ended before its endpoint answered; its last words:\n{}",
                machine.last_words()
            );
        }
        thread::sleep(Duration::from_millis(300));
    }
}

/// A flag that Ctrl-C raises, instead of ending this program.
fn interrupted() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || raised.store(true, Ordering::Relaxed))
        .context("cannot catch Ctrl-C")?;
    Ok(flag)
}

/// Stays in the foreground until Ctrl-C or the box's own end.
fn stay(workspace: &Workspace, machine: &mut Machine, interrupted: &AtomicBool) -> Result<()> {
    while !interrupted.load(Ordering::Relaxed) {
        if machine.wait(Duration::from_millis(200)).is_ok() {
            println!(
                "The box has ended; its console is in {}.",
                machine.serial_log().display()
            );
            return Ok(());
        }
    }
    let step = Step::start("stopping the box in order");
    machine.stop(stop::LIMIT)?;
    // Best effort: without it a shell would only fail to connect.
    let _ = fs::remove_file(environment::path(workspace));
    step.done();
    Ok(())
}

fn welcome(workspace: &Workspace, ports: Ports) -> String {
    let env = environment::path(workspace);
    let env = env.display();
    format!(
        "  energy's page     http://127.0.0.1:{web}/
  alarm's MQTT      127.0.0.1:{mqtt}
  management        {url} (client certificate required)
  console           {log}

As a provider, in a shell:

  . {env}
  alias limenctl={limenctl}
  limenctl --cert $LIMEN_ALARM_CERT --key $LIMEN_ALARM_KEY bundle list
  limenctl --cert $LIMEN_ALARM_CERT --key $LIMEN_ALARM_KEY bundle logs presence
  limenctl --cert $LIMEN_OPERATOR_CERT --key $LIMEN_OPERATOR_KEY vgw list
",
        web = ports.energy_web,
        mqtt = ports.alarm_mqtt,
        url = environment::url(ports),
        log = workspace.run().join("serial.log").display(),
        limenctl = workspace.target().join("debug/limenctl").display(),
    )
}
