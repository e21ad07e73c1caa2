//! What a provider's program links against: register, find, serve, call
