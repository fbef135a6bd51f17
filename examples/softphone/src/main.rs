//! `softphone`: a headless telephone.

#![forbid(unsafe_code)]
#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "a host has std")]

mod cli;
mod command;
mod connect;
mod exit;
mod line;
mod phone;
mod signals;
mod simple;
mod table;
mod told;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use cli::{Arguments, Command};
use exit::{Exit, Wrong};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let exit = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no task can be run")
        .and_then(|runtime| {
            let exit = runtime.block_on(run(arguments.command));
            // A thread that still reads the standard input would hold it up.
            runtime.shutdown_background();
            exit
        });
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("softphone: {error:#}");
            error.downcast_ref::<Wrong>().map_or(Exit::Local, |wrong| wrong.exit).into()
        }
    }
}

async fn run(command: Command) -> Result<Exit> {
    match command {
        Command::Register { identity, once, remove } => {
            simple::register(&identity, once, remove).await
        }
        Command::Call { uri, identity, sound, register, ring_timeout } => {
            phone::call(&identity, sound, &uri, register, ring_timeout).await
        }
        Command::Answer { identity, sound, no_register, ring, manual, reject, calls, reliable } => {
            let manner = phone::Manner { ring_ms: ring, manual, reject, calls };
            phone::answer(&identity, sound, manner, no_register, reliable).await
        }
        Command::Message { uri, text, identity, content_type } => {
            simple::message(&identity, &uri, &text, &content_type).await
        }
        Command::Subscribe { uri, identity, event, accept, count } => {
            let accept = accept.as_deref();
            simple::subscribe(&identity, uri.as_deref(), &event, accept, count).await
        }
        Command::Publish { state, note, identity, once } => {
            simple::publish(&identity, state, note.as_deref(), once).await
        }
        Command::Options { uri, identity } => simple::options(&identity, &uri).await,
        Command::Events => {
            print!("{}", include_str!("../EVENTS.md"));
            Ok(Exit::Well)
        }
    }
}
