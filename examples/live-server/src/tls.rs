//! The server's certificate: read from files, or made on the spot and said so.

use core::net::IpAddr;
use std::path::{Path, PathBuf};

use alloc::sync::Arc;

use anyhow::{Context, Result, ensure};
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

/// Where the certificate comes from.
#[derive(Clone, Debug, Default)]
pub enum Certificate {
    /// One is made for the domain and the addresses, and signed by its own key.
    #[default]
    SelfSigned,
    /// PEM files: the chain, the server's own certificate first, and its private key.
    Files {
        /// The chain of certificates.
        chain: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

/// What the TLS side of the server works with.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) certificate: CertificateDer<'static>,
    /// The text of a certificate that was made here.
    pub(crate) made: Option<String>,
}

impl Identity {
    pub(crate) fn new(source: &Certificate, domain: &str, addresses: &[IpAddr]) -> Result<Self> {
        let (chain, key, made) = match source {
            Certificate::SelfSigned => {
                let made = make(domain, addresses)?;
                let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
                (vec![made.cert.der().clone()], key.into(), Some(made.cert.pem()))
            }
            Certificate::Files { chain, key } => {
                let certificates = read_chain(chain)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| anyhow::anyhow!("{error}"))
                    .with_context(|| format!("no private key in {}", key.display()))?;
                (certificates, key, None)
            }
        };
        let certificate = chain.first().cloned().context("the chain is empty")?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the private key does not belong to the certificate")?;
        Ok(Self { config: Arc::new(config), certificate, made })
    }

    /// SHA-256 of the certificate, as pairs of hexadecimal digits with colons.
    pub(crate) fn fingerprint(&self) -> String {
        let pairs = Sha256::digest(&self.certificate)
            .iter()
            .map(|o| format!("{o:02X}"))
            .collect::<Vec<_>>();
        pairs.join(":")
    }

    /// Writes the certificate that was made here as PEM, for a client that is to trust it.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = self.made.as_ref().context("the certificate was not made here")?;
        std::fs::write(path, text)
            .with_context(|| format!("cannot write the certificate to {}", path.display()))
    }
}

fn make(domain: &str, addresses: &[IpAddr]) -> Result<CertifiedKey<KeyPair>> {
    let mut names = vec![domain.trim_matches(['[', ']']).to_owned(), "localhost".to_owned()];
    names.extend(addresses.iter().map(IpAddr::to_string));
    names.sort();
    names.dedup();
    rcgen::generate_simple_self_signed(names)
        .with_context(|| format!("cannot make a certificate for {domain}"))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| format!("cannot read certificates from {}", path.display()))?;
    ensure!(!chain.is_empty(), "no certificate in {}", path.display());
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_made_here_can_be_written_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cert.pem");
        let made =
            Identity::new(&Certificate::SelfSigned, "example.test", &[[127, 0, 0, 1].into()])
                .unwrap();
        made.write(&path).unwrap();
        assert_eq!(read_chain(&path).unwrap(), core::slice::from_ref(&made.certificate));
        assert_eq!(made.fingerprint().len(), 95);
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing =
            Certificate::Files { chain: "/nowhere/c.pem".into(), key: "/nowhere/k.pem".into() };
        let error =
            format!("{:#}", Identity::new(&missing, "a.test", &[]).map(|_| ()).unwrap_err());
        assert!(error.contains("/nowhere/c.pem"), "{error}");
    }
}
