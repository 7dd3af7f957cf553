//! What purview costs beside its peers: both sides in one process, in short alternating rounds. The method is in the README.

#![forbid(unsafe_code)]

pub mod args;
pub mod bench;
pub mod counts;
pub mod go;
pub mod measure;
pub mod peers;
pub mod row;
pub mod rows;
pub mod served;
pub mod stats;
pub mod table;
