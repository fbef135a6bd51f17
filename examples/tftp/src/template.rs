//! Files that are made as they are asked for: one template serves a whole floor of phones, each of
//! which asks for a file with its own hardware address in the name.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// How long a template may be, in octets: what is made of it is kept in memory.
const LIMIT: u64 = 1 << 20;

/// Makes the files whose names fit a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What the name has before and behind its star.
    prefix: String,
    suffix: String,
    file: PathBuf,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pattern, file) =
            text.split_once('=').ok_or("a template is written as PATTERN=FILE")?;
        let (prefix, suffix) = pattern.split_once('*').ok_or("a pattern has a * in it")?;
        if suffix.contains('*') || file.is_empty() {
            return Err("a template is written as PATTERN=FILE, with one * in PATTERN".into());
        }
        Ok(Self { prefix: prefix.into(), suffix: suffix.into(), file: file.into() })
    }
}

impl Template {
    /// The file of this name for this client, where the name fits: in the template's text `{*}`
    /// becomes what stands for the star, `{peer}` the client's address.
    ///
    /// # Errors
    /// What the system says of the template's file.
    pub fn make(&self, name: &[u8], peer: IpAddr) -> Option<std::io::Result<Vec<u8>>> {
        let name = name.strip_prefix(b"/").unwrap_or(name);
        let star =
            name.strip_prefix(self.prefix.as_bytes())?.strip_suffix(self.suffix.as_bytes())?;
        // It is a stranger's, and comes to stand in somebody's configuration.
        let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_.:".contains(octet);
        if star.is_empty() || !star.iter().all(plain) {
            return None;
        }
        let star = String::from_utf8_lossy(star);
        Some(self.text().map(|text| {
            text.replace("{*}", &star).replace("{peer}", &peer.to_string()).into_bytes()
        }))
    }

    fn text(&self) -> std::io::Result<String> {
        if std::fs::metadata(&self.file)?.len() > LIMIT {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        std::fs::read_to_string(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_gets_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phone.xml");
        std::fs::write(&file, "<mac>{*}</mac><ip>{peer}</ip>").unwrap();
        let template: Template = format!("SEP*.cnf.xml={}", file.display()).parse().unwrap();
        let peer = IpAddr::from([192, 0, 2, 1]);
        let made = template.make(b"SEP001122AABBCC.cnf.xml", peer).unwrap().unwrap();
        assert_eq!(made, b"<mac>001122AABBCC</mac><ip>192.0.2.1</ip>");
        for name in ["SEP.cnf.xml", "SEPa/b.cnf.xml", "SEP<x>.cnf.xml", "SEP1.xml", "other"] {
            assert!(template.make(name.as_bytes(), peer).is_none(), "{name}");
        }
        std::fs::remove_file(file).unwrap();
        assert!(template.make(b"SEP1.cnf.xml", peer).unwrap().is_err());
    }

    #[test]
    fn a_template_that_is_none_is_named() {
        for text in ["", "name", "name=file", "a*b*c=file", "a*="] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
