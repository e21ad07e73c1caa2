//! Image recipes and their builder
