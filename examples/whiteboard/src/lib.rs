//! A whiteboard that several people share over T.120: the library behind the program.
//!
//! ```text
//!   browser <--- HTTP on 127.0.0.1 ---> web     node <--- TCP 1503 ---> other nodes
//!                                         \     /
//!                                         scene: what stands on the board
//!                                           |
//!                                   picture (PNG), svg, archive
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

pub mod archive;
pub mod command;
pub mod font;
pub mod node;
pub mod picture;
pub mod scene;
pub mod svg;
pub mod web;
