//! Larger.
