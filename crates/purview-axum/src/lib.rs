//! An extractor that hands an axum handler the context of its request.

#![forbid(unsafe_code)]
