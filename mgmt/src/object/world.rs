//! What the steward says in a caller's name, fetched for one request
//!
//! Everything that follows (search, list, read, finding the object of an exec) is a pure function
//! over this. A part that the steward refuses to this caller is simply not in it.

use limen_proto::manage::{Answer, Bundle, Caller, Core, Grant, Refusal, RefusalKind, Verb, Vgw};
use limen_proto::name::Name;

use super::CORE_PROVIDER;
use crate::steward::Steward;

/// A part of the world that a kind of object is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The core itself.
    Core,
    /// Virtual gateways.
    Vgws,
    /// Bundles of the caller.
    Bundles,
    /// Grants.
    Grants,
    /// Which provider's inside the caller sees: costs the operator a look at the virtual gateways.
    Inside,
}

/// What trust looks like from outside: no key, no certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustFacts {
    /// Goes up whenever a certificate, key or authority changes.
    pub epoch: u64,
    /// The clock's floor, seconds since 1970.
    pub floor: u64,
    /// SHA-256 of the caller's own authority, hex.
    pub authority: String,
}

/// One caller's view of the box at one moment.
#[derive(Debug, Clone)]
pub struct World {
    /// Whose view.
    pub caller: Caller,
    /// What the connection's trust says.
    pub trust: TrustFacts,
    /// The core, for the operator.
    pub core: Option<Core>,
    /// Virtual gateways.
    pub vgws: Vec<Vgw>,
    /// Bundles of the caller's own provider.
    pub bundles: Vec<Bundle>,
    /// Grants.
    pub grants: Vec<Grant>,
}

impl World {
    /// A world in which nothing was fetched.
    pub fn empty(caller: Caller, trust: TrustFacts) -> Self {
        Self {
            caller,
            trust,
            core: None,
            vgws: Vec::new(),
            bundles: Vec::new(),
            grants: Vec::new(),
        }
    }

    /// Fetches what is needed.
    ///
    /// # Errors
    /// The steward is away, or the box failed. What it refuses to this caller is left out instead.
    pub async fn fetch(
        caller: &Caller,
        trust: TrustFacts,
        needs: &[Need],
        steward: &Steward,
    ) -> Result<Self, Refusal> {
        let mut world = Self::empty(caller.clone(), trust);
        let operator = *caller == Caller::Operator;
        let ask = async |verb: Verb| seen(steward.call(caller, verb).await);
        if operator
            && needs.contains(&Need::Core)
            && let Some(Answer::Core(core)) = ask(Verb::ShowCore).await?
        {
            world.core = Some(core);
        }
        let inside = needs.contains(&Need::Bundles) || needs.contains(&Need::Inside);
        if (needs.contains(&Need::Vgws) || (operator && inside))
            && let Some(Answer::Vgws(vgws)) = ask(Verb::ListVgw).await?
        {
            world.vgws = vgws;
        }
        // The operator is the provider of `core` and of nothing else: without that virtual gateway
        // there is nothing to ask, and no refusal to be noted in the audit.
        if needs.contains(&Need::Bundles)
            && world.provider().is_some()
            && let Some(Answer::Bundles(bundles)) = ask(Verb::ListBundles).await?
        {
            world.bundles = bundles;
        }
        if needs.contains(&Need::Grants)
            && let Some(Answer::Grants(grants)) = ask(Verb::ListGrants).await?
        {
            world.grants = grants;
        }
        Ok(world)
    }

    /// The provider whose inside the caller sees.
    pub fn provider(&self) -> Option<Name> {
        match &self.caller {
            Caller::Provider(name) => Some(name.clone()),
            Caller::Operator => {
                let core = self.vgws.iter().map(|vgw| &vgw.provider);
                core.into_iter()
                    .find(|name| name.as_str() == CORE_PROVIDER)
                    .cloned()
            }
            Caller::Management => None,
        }
    }
}

/// What is refused to a caller is not there for it; a box that fails is no answer at all.
fn seen(result: Result<Answer, Refusal>) -> Result<Option<Answer>, Refusal> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(refusal) => match refusal.kind {
            RefusalKind::NotFound | RefusalKind::Forbidden => Ok(None),
            RefusalKind::Invalid
            | RefusalKind::Conflict
            | RefusalKind::NotAdmitted
            | RefusalKind::Untrusted
            | RefusalKind::Unavailable
            | RefusalKind::Failed => Err(refusal),
        },
    }
}
