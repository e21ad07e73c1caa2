//! The outward face: managed objects over HTTPS
