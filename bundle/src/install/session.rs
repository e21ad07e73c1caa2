//! The conversation with the steward: one order, one outcome.

use std::os::fd::OwnedFd;

use limen_channel::{Buffer, Channel};
use limen_proto::id::{BundleIndex, Slot};
use limen_proto::install::{Order, Report};
use limen_proto::limits::LINK_FRAME;
use limen_proto::name::Name;

use super::upload::Upload;
use super::{InstallError, bundle};
use crate::manifest::Architecture;
use crate::store::{Ownership, Tenant};

/// Everything that limen-install is given.
#[derive(Debug)]
pub struct Hand {
    /// The channel to the steward, SOCK_SEQPACKET.
    pub channel: OwnedFd,
    /// The upload, if there is one.
    pub upload: Option<OwnedFd>,
    /// The provider's tree, an open directory.
    pub tenant: OwnedFd,
    /// What to install of a bundle.
    pub architecture: Option<Architecture>,
    /// Who owns what is written.
    pub ownership: Ownership,
}

/// The other end.
#[derive(Debug)]
pub(super) struct Steward {
    channel: Channel<LINK_FRAME>,
    buffer: Box<Buffer<LINK_FRAME>>,
}

impl Steward {
    pub(super) fn report(&self, report: &Report) -> Result<(), InstallError> {
        Ok(self.channel.send(report, &[])?)
    }

    pub(super) fn order(&mut self) -> Result<Order, InstallError> {
        match self.channel.receive(&mut self.buffer)? {
            Some((order, _)) => Ok(order),
            None => Err(InstallError::HungUp),
        }
    }
}

/// Takes one order, carries it out and reports the outcome.
///
/// # Errors
/// What kept it from being carried out, after it was reported: for the log and the exit code.
pub fn run(hand: Hand) -> Result<(), InstallError> {
    let mut steward = Steward {
        channel: Channel::from(hand.channel),
        buffer: Box::default(),
    };
    let order = steward.order()?;
    let outcome = Tenant::open(hand.tenant, hand.ownership)
        .map_err(InstallError::from)
        .and_then(|tenant| carry_out(order, hand.upload, hand.architecture, &tenant, &mut steward));
    match outcome {
        Ok(report) => steward.report(&report),
        Err(error) => {
            if let Some(refusal) = error.refusal() {
                steward.report(&Report::Refused(refusal))?;
            }
            Err(error)
        }
    }
}

fn carry_out(
    order: Order,
    upload: Option<OwnedFd>,
    architecture: Option<Architecture>,
    tenant: &Tenant,
    steward: &mut Steward,
) -> Result<Report, InstallError> {
    match order {
        Order::Install {
            slot: _,
            provider,
            keys,
        } => {
            let architecture = architecture.ok_or(InstallError::Architecture)?;
            let upload = Upload::new(upload.ok_or(InstallError::NoUpload)?);
            bundle::install(upload, &provider, &keys, architecture, tenant, steward)?;
        }
        Order::MakeVolumes {
            slot,
            bundle,
            index,
            volumes,
        } => make_volumes(tenant, slot, index, &bundle, &volumes)?,
        Order::Remove { digest } => tenant.remove(&digest)?,
        Order::RemoveVolumes { bundle } => tenant.remove_volumes(&bundle)?,
        Order::RemoveAll => tenant.remove_all()?,
        Order::List => {
            return Ok(Report::Holdings {
                bundles: tenant.bundles()?,
                volumes: tenant.volumes()?,
            });
        }
        Order::Go(_) => return Err(InstallError::OutOfTurn),
    }
    Ok(Report::Done)
}

fn make_volumes(
    tenant: &Tenant,
    slot: Slot,
    index: BundleIndex,
    bundle: &Name,
    volumes: &[Name],
) -> Result<(), InstallError> {
    let owner = index.outer_id(slot);
    Ok(volumes
        .iter()
        .try_for_each(|volume| tenant.make_volume(bundle, volume, owner))?)
}
