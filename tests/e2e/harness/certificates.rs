//! An authority of a test and the certificates that it signs, made by openssl.

use std::path::PathBuf;
use std::process::Command;

use super::process::{Folder, run};

/// The name that certificates are for.
pub const NAME: &str = "shop.test";

/// An authority and what it has signed, in a folder that everybody may read.
pub struct Authority {
    folder: Folder,
}

/// A key and its certificate.
pub struct Identity {
    pub key: PathBuf,
    pub certificate: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let folder = Folder::new();
        let mut openssl = Command::new("openssl");
        openssl.current_dir(folder.path()).args(["req", "-x509", "-days", "2", "-subj", "/CN=authority of a test"]);
        openssl.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        run(openssl.args(["-keyout", "authority.key", "-out", "authority.crt"]));
        // What `openssl ca` wants to know, to give dates of its own choice.
        folder.write("index.txt", "");
        folder.write(
            "ca.conf",
            "[ca]\ndefault_ca = test\n[test]\ndatabase = index.txt\nrand_serial = yes\ndefault_md = sha256\n\
             policy = any\nunique_subject = no\nx509_extensions = names\n[any]\ncommonName = supplied\n[names]\n\
             subjectAltName = DNS:shop.test, DNS:localhost, IP:127.0.0.1, IP:10.77.0.2\n",
        );
        Self { folder }
    }

    /// Its own certificate: what clients trust.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("authority.crt")
    }

    /// A certificate for [`NAME`], for loopback and for the server's address of a test's network.
    pub fn sign(&self) -> Identity {
        self.sign_for("server", "20200101000000Z", "20991231235959Z")
    }

    /// One whose time is over.
    pub fn sign_expired(&self) -> Identity {
        self.sign_for("expired", "20200101000000Z", "20210101000000Z")
    }

    fn sign_for(&self, stem: &str, from: &str, to: &str) -> Identity {
        let openssl = || {
            let mut openssl = Command::new("openssl");
            openssl.current_dir(self.folder.path());
            openssl
        };
        let (key, request, certificate) = (format!("{stem}.key"), format!("{stem}.csr"), format!("{stem}.crt"));
        let mut ask = openssl();
        ask.args(["req", "-newkey", "rsa:2048", "-nodes", "-subj", &format!("/CN={NAME}")]);
        run(ask.args(["-keyout", &key, "-out", &request]));
        let mut sign = openssl();
        sign.args(["ca", "-batch", "-notext", "-config", "ca.conf", "-outdir", "."]);
        sign.args(["-keyfile", "authority.key", "-cert", "authority.crt", "-startdate", from, "-enddate", to]);
        run(sign.args(["-in", &request, "-out", &certificate]));
        // Servers that give up root's rights read it, too.
        run(Command::new("chmod").arg("644").arg(self.folder.join(&key)));
        Identity { key: self.folder.join(&key), certificate: self.folder.join(&certificate) }
    }
}
