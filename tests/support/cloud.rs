//! Azure's and Google's object storage, as far as it can be had here.
//!
//! Azurite is Microsoft's own emulator. Of Google's XML API, which is what we speak, no emulator has all:
//! fake-gcs-server lists, reads and deletes but takes no upload by it ("invalid uploadType"), gcp-storage-emulator neither
//! lists nor takes parts. rclone's S3 server speaks the dialect that both APIs share, and where it is given no key it looks
//! at no signature, so that Google's client may speak to it; it ignores `x-goog-if-generation-match`.

use std::path::PathBuf;
use std::process::Command;

use futures_util::{StreamExt as _, stream};

use super::guard::Guard;
use super::s3::random_word;
use super::{free_port, listens, need_program, output_of, temp_dir};

/// Microsoft's emulator of Blob Storage, with one account.
#[derive(Debug)]
pub struct Azurite {
    guard: Guard,
    port: u16,
    /// The account's key, random, in base64.
    pub key: String,
}

impl Azurite {
    /// The only account.
    pub const ACCOUNT: &'static str = "bells";

    /// Azurite, in memory.
    pub fn start() -> Option<Self> {
        let program = need_program("azurite-blob", "`tests/install azure` installs it")?;
        let (dir, port) = (temp_dir().keep(), free_port());
        let key = output_of(Command::new("openssl").args(["rand", "-base64", "48"])).trim().to_owned();
        let (accounts, port_text) = (format!("AZURITE_ACCOUNTS={}:{key}", Self::ACCOUNT), port.to_string());
        let words = ["env", &accounts, program.to_str().unwrap(), "--silent", "--disableTelemetry", "--blobPort"];
        let options = [port_text.as_str(), "--inMemoryPersistence"];
        let command: Vec<String> = words.into_iter().chain(options).map(ToOwned::to_owned).collect();
        let guard = Guard::serve(dir, ":", &command);
        guard.wait_ready("Azurite", || listens(port));
        Some(Self { guard, port, key })
    }

    /// The port where it listens, for a proxy in between.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What connection strings call `BlobEndpoint`, behind this port.
    pub fn endpoint(port: u16) -> String {
        format!("http://127.0.0.1:{port}/{}", Self::ACCOUNT)
    }

    /// A signature of the account for these permissions, with `?` in front as portals show it. Its form is told at
    /// learn.microsoft.com, "Create an account SAS".
    pub fn sas(&self, permissions: &str) -> String {
        let (version, ends) = ("2018-11-09", "2099-01-01T00:00:00Z");
        let account = Self::ACCOUNT;
        let signed = format!("{account}\n{permissions}\nb\nsco\n\n{ends}\n\nhttps,http\n{version}\n");
        let file = self.guard.dir().join(random_word("sign"));
        std::fs::write(&file, signed).unwrap();
        let script = "key=$(printf %s \"$1\" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n'); \
                      openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$key\" -binary \"$2\" | openssl base64 -A";
        let signature = output_of(Command::new("sh").args(["-c", script, "sign", &self.key]).arg(file));
        let signature = signature.trim().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("?sv={version}&ss=b&srt=sco&sp={permissions}&se={ends}&spr=https,http&sig={signature}")
    }

    /// Makes a container; its name.
    pub async fn container<'a>(&self, name: &'a str) -> &'a str {
        let sas = self.sas("rwdlac").replacen('?', "&", 1);
        let url = format!("{}/{name}?restype=container{sas}", Self::endpoint(self.port));
        let made = reqwest::Client::new().put(url).header("Content-Length", "0").send().await.unwrap();
        assert!(made.status() == 201 || made.status() == 409, "{made:?}");
        name
    }

    /// So many blobs, with names counted from 00000.
    pub async fn fill(&self, container: &str, prefix: &str, count: usize) {
        let (client, sas) = (reqwest::Client::new(), self.sas("rwdlac"));
        let puts = (0..count).map(|number| {
            let url = format!("{}/{container}/{prefix}{number:05}{sas}", Self::endpoint(self.port));
            let request = client.put(url).header("x-ms-blob-type", "BlockBlob").body("x");
            async move { assert_eq!(request.send().await.unwrap().status(), 201) }
        });
        stream::iter(puts).buffer_unordered(8).collect::<Vec<()>>().await;
    }
}

/// A server of the dialect that S3's and Google's XML APIs share, which looks at no signature.
#[derive(Debug)]
pub struct XmlServer {
    guard: Guard,
    port: u16,
}

impl XmlServer {
    /// rclone's.
    pub fn start() -> Option<Self> {
        let program = need_program("rclone", "`tests/install s3-more` installs it")?;
        let (dir, port) = (temp_dir().keep(), free_port());
        let data = dir.join("data");
        std::fs::create_dir(&data).unwrap();
        let address = format!("127.0.0.1:{port}");
        let words = ["env", "HOME=/nonexistent", program.to_str().unwrap(), "serve", "s3", "--addr", &address];
        let options = ["--vfs-cache-mode", "off", "--dir-cache-time", "0s", data.to_str().unwrap()];
        let command: Vec<String> = words.into_iter().chain(options).map(ToOwned::to_owned).collect();
        let guard = Guard::serve(dir, ":", &command);
        guard.wait_ready("rclone serve s3", || listens(port));
        Some(Self { guard, port })
    }

    /// The port where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a bucket; the folder that it is.
    pub fn bucket(&self, name: &str) -> PathBuf {
        let folder = self.guard.dir().join("data").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A new key of a service account, as the JSON file that Google hands out.
    pub fn service_account(&self) -> String {
        let command = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let private_key = output_of(Command::new("openssl").args(command));
        serde_json::json!({
            "type": "service_account",
            "private_key_id": "1",
            "private_key": private_key,
            "client_email": "backup@bells.iam.gserviceaccount.com",
        })
        .to_string()
    }
}
