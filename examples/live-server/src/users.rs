//! The users that may sign in, and how they prove it: the file that `--users` names.
//!
//! ```toml
//! domain = "example.test"
//!
//! [[user]]
//! name = "alice"
//! password = "…"
//!
//! [[user]]
//! name = "bob"
//! ha1_md5 = "…"        # 32 hexadecimal digits: MD5 of name:domain:password
//! ha1_sha256 = "…"     # 64 hexadecimal digits: SHA-256 of the same
//! nt_hash = "…"        # 32 hexadecimal digits: MD4 of the password in UTF-16, for --lcs
//! ```

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use sip_core::auth::{Algorithm, Hex};
use sip_core::ntlm::NtHash;
use sip_core::server::{Ha1, MAX_USER};
use toml::Spanned;

/// The users of one domain.
#[derive(Clone, Debug)]
pub struct Users {
    domain: String,
    accounts: HashMap<String, Account>,
}

/// What is kept of a user's password.
#[derive(Clone, Debug)]
struct Account {
    ha1: Ha1,
    nt_hash: Option<NtHash>,
}

/// The hashes of a password.
fn hashes(name: &str, domain: &str, password: &str) -> Account {
    let hash = |algorithm: Algorithm| {
        Some(algorithm.ha1(name.as_bytes(), domain.as_bytes(), password.as_bytes()))
    };
    let (md5, sha256) = (hash(Algorithm::Md5), hash(Algorithm::Sha256));
    Account { ha1: Ha1 { md5, sha256, ..Ha1::default() }, nt_hash: Some(NtHash::of(password)) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    domain: Option<Spanned<String>>,
    #[serde(default)]
    user: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    password: Option<String>,
    ha1_md5: Option<Spanned<String>>,
    ha1_sha256: Option<Spanned<String>>,
    nt_hash: Option<Spanned<String>>,
}

impl Users {
    /// A domain without users.
    ///
    /// # Errors
    /// The domain is not a host name.
    pub fn new(domain: &str) -> Result<Self> {
        ensure!(is_domain(domain), "{domain:?} is not a domain name");
        Ok(Self { domain: domain.to_ascii_lowercase(), accounts: HashMap::new() })
    }

    /// Reads the file `path`; `domain` replaces the one in the file.
    ///
    /// # Errors
    /// The file cannot be read, or says something that it may not: the error names the line.
    pub fn read(path: &Path, domain: Option<&str>) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the users from {}", path.display()))?;
        Self::parse(&text, domain).with_context(|| format!("{}", path.display()))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// As [`Users::read`].
    pub fn parse(text: &str, domain: Option<&str>) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|error| anyhow!("{error}"))?;
        let line = |at: usize| text.bytes().take(at).filter(|octet| *octet == b'\n').count() + 1;
        let from_file = file.domain.as_ref();
        if let Some(name) = from_file {
            let at = line(name.span().start);
            ensure!(is_domain(name.get_ref()), "line {at}: {name:?} is not a domain name");
        }
        let Some(name) = domain.or(from_file.map(|name| name.get_ref().as_str())) else {
            bail!("no domain: write domain = \"…\" as the first line, or give --domain");
        };
        let moved = from_file.is_some_and(|old| !old.get_ref().eq_ignore_ascii_case(name));
        let mut users = Self::new(name)?;
        for entry in file.user {
            let at = line(entry.name.span().start);
            let name = entry.name.into_inner();
            ensure!(is_user(&name), "line {at}: {name:?} is not a user name");
            let digested = entry.ha1_md5.is_some() || entry.ha1_sha256.is_some();
            let hashed = digested || entry.nt_hash.is_some();
            let account = match (&entry.password, hashed) {
                (Some(password), false) => hashes(&name, &users.domain, password),
                (None, true) => Account {
                    ha1: Ha1 {
                        md5: entry.ha1_md5.map(|text| digest(&text, 32, line)).transpose()?,
                        sha256: entry.ha1_sha256.map(|text| digest(&text, 64, line)).transpose()?,
                        ..Ha1::default()
                    },
                    nt_hash: entry.nt_hash.map(|text| nt_hash(&text, line)).transpose()?,
                },
                (Some(_), true) => bail!("line {at}: {name} has a password and a hash of one"),
                (None, false) => {
                    bail!("line {at}: {name} has no password, ha1_md5, ha1_sha256 or nt_hash");
                }
            };
            ensure!(
                !(digested && moved),
                "line {at}: the hash of {name} was made for the domain of the file, not for {}",
                users.domain
            );
            let old = users.accounts.insert(name.clone(), account);
            ensure!(old.is_none(), "line {at}: {name} is there twice");
        }
        Ok(users)
    }

    /// Adds a user.
    ///
    /// # Errors
    /// The name is not one that a SIP address may have, or is taken.
    pub fn add(&mut self, name: &str, password: &str) -> Result<()> {
        ensure!(is_user(name), "{name:?} is not a user name");
        let account = hashes(name, &self.domain, password);
        let old = self.accounts.insert(name.to_owned(), account);
        ensure!(old.is_none(), "{name} is there twice");
        Ok(())
    }

    /// The domain, which is the realm of the passwords too.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What is kept of a user's password; names are compared as they are written (RFC 3261 section
    /// 19.1.4).
    pub fn account(&self, name: &[u8]) -> Option<&Ha1> {
        self.accounts.get(core::str::from_utf8(name).ok()?).map(|account| &account.ha1)
    }

    /// The hash of a user's password that NTLM needs.
    pub(crate) fn nt_hash_of(&self, name: &str) -> Option<&NtHash> {
        self.accounts.get(name)?.nt_hash.as_ref()
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

/// Letters, digits and what RFC 3261's `user` has besides, without what would need escapes.
fn is_user(name: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.!~*'()&=+$/".contains(&octet);
    (1..=MAX_USER).contains(&name.len()) && name.bytes().all(allowed)
}

fn is_domain(name: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-.[]:".contains(&octet);
    (1..=255).contains(&name.len()) && name.bytes().all(allowed)
}

/// A hash of so many hexadecimal digits.
fn digest(text: &Spanned<String>, digits: usize, line: impl Fn(usize) -> usize) -> Result<Hex> {
    let hash = Hex::from_digits(text.get_ref().as_bytes());
    hash.filter(|hash| hash.as_bytes().len() == digits).with_context(|| {
        format!("line {}: {digits} hexadecimal digits belong here", line(text.span().start))
    })
}

/// A hash for NTLM.
fn nt_hash(text: &Spanned<String>, line: impl Fn(usize) -> usize) -> Result<NtHash> {
    let at = line(text.span().start);
    let hash = digest(text, 32, line)?;
    let octets = u128::from_str_radix(core::str::from_utf8(hash.as_bytes())?, 16);
    let octets = octets.with_context(|| format!("line {at}: no hexadecimal digits"))?;
    Ok(NtHash::new(octets.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", Users::parse(text, None).unwrap_err())
    }

    #[test]
    fn a_password_becomes_its_hashes() {
        // Computed with another implementation of MD5.
        let text = "domain = \"http-auth.example.org\"\n[[user]]\nname = \"Mufasa\"\npassword = \"Circle of Life\"\n";
        let users = Users::parse(text, None).unwrap();
        let account = users.account(b"Mufasa").unwrap();
        let md5 = account.md5.as_ref().unwrap();
        assert_eq!(md5.as_bytes(), b"c461bb829191a439a1a0a3b758ef88d2");
        assert!(account.sha256.is_some());
        assert!(users.account(b"mufasa").is_none());
        assert_eq!(users.nt_hash_of("Mufasa"), Some(&NtHash::of("Circle of Life")));
        // MS-NLMP section 4.2.2.1.2.
        let text = "domain = \"a.test\"\n[[user]]\nname = \"a\"\nnt_hash = \"a4f49c406510bdcab6824ee7c30fd852\"\n";
        let users = Users::parse(text, Some("b.test")).unwrap();
        assert_eq!(users.nt_hash_of("a"), Some(&NtHash::of("Password")));
    }

    #[test]
    fn a_refusal_names_the_line() {
        let unknown = refusal("domain = \"a.test\"\n[[user]]\nname = \"alice\"\npasword = \"x\"\n");
        assert!(unknown.contains("line 4") && unknown.contains("pasword"), "{unknown}");
        let none = refusal("domain = \"a.test\"\n\n[[user]]\nname = \"alice\"\n");
        assert!(none.contains("line 4: alice has no password"), "{none}");
        let short = refusal("domain = \"a.test\"\n[[user]]\nname = \"a\"\nha1_md5 = \"12\"\n");
        assert!(short.contains("line 4: 32 hexadecimal digits"), "{short}");
        let twice = refusal(
            "domain = \"a.test\"\n[[user]]\nname = \"a\"\npassword = \"1\"\n[[user]]\nname = \"a\"\npassword = \"2\"\n",
        );
        assert!(twice.contains("line 6: a is there twice"), "{twice}");
        assert!(refusal("[[user]]\nname = \"a\"\npassword = \"1\"\n").contains("no domain"));
        let bad = refusal("domain = \"a.test\"\n[[user]]\nname = \"a@b\"\npassword = \"1\"\n");
        assert!(bad.contains("line 3") && bad.contains("not a user name"), "{bad}");
    }

    #[test]
    fn a_hash_holds_for_its_own_domain_only() {
        let text = "domain = \"a.test\"\n[[user]]\nname = \"a\"\nha1_md5 = \"00000000000000000000000000000000\"\n";
        assert!(Users::parse(text, Some("A.test")).is_ok());
        let moved = format!("{:#}", Users::parse(text, Some("b.test")).unwrap_err());
        assert!(moved.contains("line 3: the hash of a was made for the domain"), "{moved}");
    }
}
