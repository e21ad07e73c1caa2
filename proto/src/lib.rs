//! The wire protocols: ids, limits, states, messages
