//! The folder that is served, and that no name leaves.
//!
//! Names come from the network. Each is checked here first, and then opened through [`cap_std`],
//! which resolves it component by component under the folder's handle: no `..`, absolute path or
//! symbolic link gets out, however the tree changes meanwhile. Links that stay inside are followed.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use tftp_core::ErrorCode;

/// The longest file that is turned into netascii, in octets; it is kept in memory.
const NETASCII_LIMIT: u64 = 64 << 20;

/// Why a file is not opened: an ERROR's code and its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: ErrorCode,
    /// The words, which say no more than the client may know.
    pub message: &'static str,
}

impl Refusal {
    const fn new(code: ErrorCode, message: &'static str) -> Self {
        Self { code, message }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::new(ErrorCode::FileNotFound, "File not found")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(ErrorCode::DiskFull, "Disk full")
            }
            io::ErrorKind::AlreadyExists => {
                Self::new(ErrorCode::FileAlreadyExists, "File already exists")
            }
            io::ErrorKind::FileTooLarge => Self::new(ErrorCode::DiskFull, "File too large"),
            _ => Self::new(ErrorCode::AccessViolation, "Access violation"),
        }
    }
}

/// What clients may do in a [`Jail`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// New files may be written.
    pub write: bool,
    /// Files that exist may be written over.
    pub overwrite: bool,
}

/// The folder that is served.
#[derive(Debug)]
pub struct Jail {
    dir: Dir,
    access: Access,
}

impl Jail {
    /// Opens the folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(root: &Path, access: Access) -> io::Result<Self> {
        Ok(Self { dir: Dir::open_ambient_dir(root, ambient_authority())?, access })
    }

    /// Opens a file to be read: it, and its octets.
    ///
    /// # Errors
    /// What to tell the client.
    pub fn read(&self, name: &[u8]) -> Result<(std::fs::File, u64), Refusal> {
        let path = check(name)?;
        // Opening a pipe would wait for its other end.
        if !self.dir.metadata(path)?.is_file() {
            return Err(Refusal::new(ErrorCode::AccessViolation, "Not a file"));
        }
        let file = self.dir.open(path)?.into_std();
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Refusal::new(ErrorCode::AccessViolation, "Not a file"));
        }
        Ok((file, metadata.len()))
    }

    /// Reads a text whole, as it goes over the wire in netascii.
    ///
    /// # Errors
    /// What to tell the client.
    pub fn read_netascii(&self, name: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (mut file, len) = self.read(name)?;
        if len > NETASCII_LIMIT {
            return Err(Refusal::new(ErrorCode::NotDefined, "Too large for netascii"));
        }
        let mut local = Vec::new();
        file.read_to_end(&mut local)?;
        Ok(to_netascii(&local))
    }

    /// Begins a file to be written, under a temporary name beside its own.
    ///
    /// # Errors
    /// What to tell the client.
    pub fn create(&self, name: &[u8]) -> Result<Upload, Refusal> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);

        let path = check(name)?;
        if !self.access.write {
            return Err(Refusal::new(ErrorCode::AccessViolation, "This server is read-only"));
        }
        match self.dir.symlink_metadata(path) {
            Ok(_) if !self.access.overwrite => {
                return Err(Refusal::new(ErrorCode::FileAlreadyExists, "File already exists"));
            }
            // What is no file is not to be replaced by one; a link might lead anywhere.
            Ok(found) if !found.is_file() => {
                return Err(Refusal::new(ErrorCode::AccessViolation, "Not a file"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let (folder, file_name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let file_name =
            file_name.ok_or(Refusal::new(ErrorCode::AccessViolation, "Not a file"))?.to_owned();
        let folder = if folder.as_os_str().is_empty() {
            self.dir.try_clone()?
        } else {
            self.dir.open_dir(folder)?
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".tftp-{}-{number}.part", std::process::id());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = folder.open_with(&temporary, &options)?.into_std();
        Ok(Upload {
            folder,
            temporary,
            file_name,
            file: Some(file),
            overwrite: self.access.overwrite,
        })
    }
}

/// A file that is being written; it goes away unless it is finished.
#[derive(Debug)]
pub struct Upload {
    folder: Dir,
    temporary: String,
    file_name: std::ffi::OsString,
    file: Option<std::fs::File>,
    overwrite: bool,
}

impl Upload {
    /// Adds octets at the end.
    ///
    /// # Errors
    /// What to tell the client.
    pub fn write(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let Some(file) = &mut self.file else {
            return Err(Refusal::new(ErrorCode::NotDefined, "Already whole"));
        };
        Ok(file.write_all(data)?)
    }

    /// The file is whole: it gets its name.
    ///
    /// # Errors
    /// What to tell the client.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        drop(self.file.take());
        if self.overwrite {
            self.folder.rename(&self.temporary, &self.folder, &self.file_name)?;
            // Nothing of that name is left to remove.
            self.temporary.clear();
            return Ok(());
        }
        // A rename would replace what has come to be there meanwhile; a link does not.
        self.folder.hard_link(&self.temporary, &self.folder, &self.file_name)?;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.temporary.is_empty() {
            let _ = self.folder.remove_file(&self.temporary);
        }
    }
}

/// A text as it goes over the wire in netascii.
pub(crate) fn to_netascii(local: &[u8]) -> Vec<u8> {
    let mut wire = vec![0; local.len() * 2];
    let (_, written) = tftp_core::netascii::Encoder::new().encode(local, &mut wire);
    wire.truncate(written);
    wire
}

/// A name as a path under the folder. Slashes in front are those of clients that think of the
/// folder as the root.
fn check(name: &[u8]) -> Result<&Path, Refusal> {
    let refused = Refusal::new(ErrorCode::AccessViolation, "This name is not allowed");
    let name = std::str::from_utf8(name).map_err(|_| refused)?;
    let name = name.trim_start_matches('/');
    // A backslash separates on some systems, a colon names a device or a stream.
    if name.is_empty() || name.contains(['\\', '\0']) || (cfg!(windows) && name.contains(':')) {
        return Err(refused);
    }
    if name.split('/').any(|part| part == "..") || name.ends_with('/') {
        return Err(refused);
    }
    // What is half there is nobody's business.
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.starts_with(".tftp-") && last.ends_with(".part") {
        return Err(Refusal::new(ErrorCode::FileNotFound, "File not found"));
    }
    Ok(Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A tree with a secret beside the folder that is served.
    fn tree(access: Access) -> (tempfile::TempDir, Jail) {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(tree.path().join("secret"), "secret").unwrap();
        fs::write(root.join("file"), "file").unwrap();
        fs::write(root.join("sub/inner"), "inner").unwrap();
        let jail = Jail::open(&root, access).unwrap();
        (tree, jail)
    }

    const WRITE: Access = Access { write: true, overwrite: false };
    const OVERWRITE: Access = Access { write: true, overwrite: true };

    fn code<T>(result: Result<T, Refusal>) -> Option<ErrorCode> {
        result.err().map(|refusal| refusal.code)
    }

    #[test]
    fn files_inside_are_read() {
        let (_tree, jail) = tree(Access::default());
        for name in ["file", "/file", "//file", "sub/inner", "sub/./inner", "./file"] {
            assert!(jail.read(name.as_bytes()).is_ok(), "{name}");
        }
        assert_eq!(code(jail.read(b"none")), Some(ErrorCode::FileNotFound));
        assert_eq!(code(jail.read(b"file/none")), Some(ErrorCode::FileNotFound));
        assert_eq!(code(jail.read(b"sub")), Some(ErrorCode::AccessViolation));
    }

    #[test]
    fn no_name_leaves() {
        let (tree, jail) = tree(OVERWRITE);
        let absolute = tree.path().join("secret");
        let absolute = absolute.to_str().unwrap();
        let names = [
            "../secret",
            "sub/../../secret",
            "sub/../file",
            "..",
            "/..",
            "..\\secret",
            "sub\\..\\..\\secret",
            "\\secret",
            absolute,
            "",
            "/",
            ".",
            "file/",
            "sub/",
        ];
        for name in names {
            assert!(jail.read(name.as_bytes()).is_err(), "{name}");
            assert!(jail.create(name.as_bytes()).is_err(), "{name}");
        }
        assert!(jail.read(b"a\xff").is_err() && jail.read(&[b'a'; 600]).is_err());
        assert_eq!(fs::read(tree.path().join("secret")).unwrap(), b"secret");
    }

    #[cfg(unix)]
    #[test]
    fn links_may_not_lead_out() {
        use std::os::unix::fs::symlink;
        let (tree, jail) = tree(OVERWRITE);
        let root = tree.path().join("root");
        symlink("../secret", root.join("out")).unwrap();
        symlink(tree.path().join("secret"), root.join("far")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("file", root.join("in")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for name in ["out", "far", "up/secret", "loop"] {
            assert!(jail.read(name.as_bytes()).is_err(), "{name}");
            assert!(jail.create(name.as_bytes()).is_err(), "{name}");
        }
        assert!(jail.create(b"up/new").is_err());
        assert!(jail.read(b"in").is_ok(), "a link that stays inside");
        assert!(!tree.path().join("new").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_file() {
        let (tree, jail) = tree(Access::default());
        let pipe = tree.path().join("root/pipe");
        let status = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(status.success());
        assert_eq!(code(jail.read(b"pipe")), Some(ErrorCode::AccessViolation));
    }

    #[test]
    fn what_is_written_appears_when_it_is_whole() {
        let (tree, jail) = tree(WRITE);
        let target = tree.path().join("root/sub/new");
        let mut upload = jail.create(b"sub/new").unwrap();
        upload.write(b"half").unwrap();
        assert!(!target.exists());
        assert_eq!(
            code(jail.read(upload.temporary.clone().as_bytes())),
            Some(ErrorCode::FileNotFound)
        );
        upload.write(b" and half").unwrap();
        upload.finish().unwrap();
        drop(upload);
        assert_eq!(fs::read(&target).unwrap(), b"half and half");
        drop(jail.create(b"sub/other").unwrap());
        assert_eq!(fs::read_dir(tree.path().join("root/sub")).unwrap().count(), 2);
    }

    #[test]
    fn only_who_may_writes() {
        let (_tree, jail) = tree(Access::default());
        assert_eq!(code(jail.create(b"new")), Some(ErrorCode::AccessViolation));
        let (tree, jail) = tree(WRITE);
        assert_eq!(code(jail.create(b"file")), Some(ErrorCode::FileAlreadyExists));
        assert_eq!(code(jail.create(b"none/new")), Some(ErrorCode::FileNotFound));
        // Two begin the same file; the second to end does not replace the first.
        let (mut one, mut two) = (jail.create(b"new").unwrap(), jail.create(b"new").unwrap());
        one.write(b"one").unwrap();
        two.write(b"two").unwrap();
        one.finish().unwrap();
        assert_eq!(code(two.finish()), Some(ErrorCode::FileAlreadyExists));
        assert_eq!(fs::read(tree.path().join("root/new")).unwrap(), b"one");
    }

    #[test]
    fn a_file_may_be_written_over_where_that_is_allowed() {
        let (tree, jail) = tree(OVERWRITE);
        let mut upload = jail.create(b"file").unwrap();
        upload.write(b"new").unwrap();
        assert_eq!(fs::read(tree.path().join("root/file")).unwrap(), b"file");
        upload.finish().unwrap();
        assert_eq!(fs::read(tree.path().join("root/file")).unwrap(), b"new");
        assert_eq!(code(jail.create(b"sub")), Some(ErrorCode::AccessViolation));
    }

    #[test]
    fn netascii_is_made_whole() {
        let (tree, jail) = tree(Access::default());
        fs::write(tree.path().join("root/text"), "a\nb\rc").unwrap();
        assert_eq!(jail.read_netascii(b"text").unwrap(), b"a\r\nb\r\0c");
    }
}
