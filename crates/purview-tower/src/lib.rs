//! Layers for servers and clients over http and tower: a context for each request.

#![forbid(unsafe_code)]
