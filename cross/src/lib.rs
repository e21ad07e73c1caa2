//! Cross-compilation: targets, toolchain, linker
