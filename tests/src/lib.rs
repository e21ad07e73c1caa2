//! The virtual-machine harness, scenarios and architecture rules
