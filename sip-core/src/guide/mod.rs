//! Whole programs in forty lines each, to begin with: [`phone`], [`registrar`], [`proxy`].
//!
//! Each page's code is compiled and run as a test. All three stand on one UDP socket of the standard
//! library; over other transports and other runtimes the loop is the same, and so are its four steps
//! (see the [crate's page](crate#the-host-loop)).

pub mod phone;
pub mod proxy;
pub mod registrar;
