//! A server in a thread, over a folder that goes away with it.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tftp::jail::Access;
use tftp::report::Report;
use tftp::serve::{Options, Serve, Stopper};

/// A server on a free port of the loopback address.
pub struct Running {
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    pub reports: Receiver<Report>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// One that takes files, set up further by `with`.
    pub fn start(with: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path(), "127.0.0.1:0".parse().unwrap());
        options.access = Access { write: true, overwrite: true };
        options.grace = Duration::from_millis(200);
        with(&mut options);
        let serve = Serve::bind(options).unwrap();
        let address = serve.addresses().unwrap()[0];
        let stopper = serve.stopper();
        let (sender, reports) = channel();
        let thread = std::thread::spawn(move || {
            serve.run(|report| drop(sender.send(report.clone()))).unwrap();
        });
        Self { address, folder, reports, stopper, thread: Some(thread) }
    }

    /// Puts a file into the folder.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Asks it to stop.
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// Waits until it has stopped.
    pub fn join(mut self) {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Octets that are not all alike.
pub fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 253 + i / 65_536) as u8).collect()
}
