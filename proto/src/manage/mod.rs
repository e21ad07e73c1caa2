//! The manage link: steward and mgmt
//!
//! mgmt maps a client certificate to a caller and speaks HTTP; the steward decides, for every
//! call again. What a caller may not see is `NotFound`, with the text of something that does not
//! exist.

mod audit;
mod bundle;
mod call;
mod core;
mod denial;
mod grant;
mod plan;
mod push;
mod refusal;
mod trust;
mod usage;
mod verb;
mod vgw;

pub use self::core::{Core, CoreUnit, Lack};
pub use audit::AuditEvent;
pub use bundle::Bundle;
pub use call::{Call, Caller};
pub use denial::{About, Denial};
pub use grant::Grant;
pub use plan::{Changed, Displaced, Forecast, Plan};
pub use push::{Answer, Push};
pub use refusal::{Refusal, RefusalKind};
pub use trust::Trust;
pub use usage::{Account, MonthCount, Usage};
pub use verb::Verb;
pub use vgw::Vgw;
