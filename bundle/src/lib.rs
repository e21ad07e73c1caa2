//! The bundle: manifest, index, packing, signing, verification, store
