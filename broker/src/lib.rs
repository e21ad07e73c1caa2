//! The inward face: service registry and references
