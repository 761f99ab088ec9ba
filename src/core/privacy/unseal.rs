//! Where the root key comes from at the start: a key file, a systemd credential, the environment, or a passphrase.
//!
//! Must never: fall back from one source to another, name the content of what was read, or accept a key file that others
//! on the machine can read.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::root::RootRecord;
use super::service_fault::ServiceFault;
use super::{KeyStore, Keyring, Result, RootKey, Sensitive, VaultError};
use crate::kernel::{Message, Phrase};

/// What is wrong with an unseal source; for the operator's terminal and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    #[error("the key file can't be read: {0}")]
    Unreadable(ErrorKind),
    #[error("the key file can't be written: {0}")]
    Unwritable(ErrorKind),
    #[error("others on this machine may read the key file (mode {mode:o}): chmod 600")]
    Permissions { mode: u32 },
    #[error("the key file is larger than a key")]
    TooLarge,
    #[error("CREDENTIALS_DIRECTORY is not set: the service has no credentials")]
    NoCredentials,
    #[error("neither the environment variable nor the one with _FILE is set")]
    NotSet,
    #[error("the environment variable is not text")]
    NotText,
    #[error("no passphrase was set for this key store")]
    NoPassphrase,
    #[error("the passphrase can't be used: it has fewer than 12 characters or is too long")]
    Passphrase,
    #[error("the derivation from the passphrase was interrupted")]
    Interrupted,
    #[error("{0}")]
    Service(#[from] ServiceFault),
}

impl SourceFault {
    /// For the operator's terminal, in both languages.
    pub fn message(self) -> Message {
        let phrase = |en, nl| Message::from(Phrase { en, nl });
        match self {
            Self::Service(fault) => fault.message(),
            Self::Unreadable(kind) => Message::new(
                format!("The key file can't be read: {kind}."),
                format!("Het sleutelbestand is niet leesbaar: {kind}."),
            ),
            Self::Unwritable(kind) => Message::new(
                format!("The key file can't be written: {kind}."),
                format!("Het sleutelbestand kan niet worden geschreven: {kind}."),
            ),
            Self::Permissions { mode } => Message::new(
                format!("Others on this machine may read the key file (mode {mode:o}). Run chmod 600 on it."),
                format!(
                    "Anderen op deze machine mogen het sleutelbestand lezen (rechten {mode:o}). Voer er chmod 600 op uit."
                ),
            ),
            Self::TooLarge => {
                phrase("The key file is larger than a key.", "Het sleutelbestand is groter dan een sleutel.")
            }
            Self::NoCredentials => phrase(
                "CREDENTIALS_DIRECTORY is not set: systemd gave this service no credentials.",
                "CREDENTIALS_DIRECTORY is niet gezet: systemd gaf deze dienst geen credentials.",
            ),
            Self::NotSet => phrase(
                "Neither the environment variable of the root key nor the one with _FILE is set.",
                "De omgevingsvariabele van de hoofdsleutel is niet gezet, en die met _FILE ook niet.",
            ),
            Self::NotText => phrase(
                "The environment variable of the root key is not text.",
                "De omgevingsvariabele van de hoofdsleutel is geen tekst.",
            ),
            Self::NoPassphrase => phrase(
                "No passphrase was set for this key store.",
                "Voor deze sleutelopslag is geen wachtwoordzin ingesteld.",
            ),
            Self::Passphrase => phrase(
                "The passphrase needs 12 characters or more.",
                "De wachtwoordzin moet minstens 12 tekens hebben.",
            ),
            Self::Interrupted => phrase(
                "The derivation from the passphrase was interrupted.",
                "De afleiding uit de wachtwoordzin is onderbroken.",
            ),
        }
    }
}

/// The environment as a parameter, so that tests don't change that of the process.
pub trait Environment: Sync {
    /// `Err` for a value that isn't Unicode.
    fn get(&self, name: &str) -> Result<Option<String>, SourceFault>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Result<Option<String>, SourceFault> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(SourceFault::NotText),
        }
    }
}

/// One place that the root key is taken from.
#[derive(Debug, Clone)]
pub enum UnsealSource {
    /// A file that only its owner may read (mode 600 or 400).
    KeyFile(PathBuf),
    /// The name of a credential that systemd put into `$CREDENTIALS_DIRECTORY` (`LoadCredentialEncrypted=`). systemd
    /// guards the directory itself, and shows the files' access lists as group bits: the mode isn't checked.
    SystemdCredential(String),
    /// Name of an environment variable with the key; or, with `_FILE` appended, with the path of a file that an
    /// orchestrator mounts (its mode is the orchestrator's business: `/run/secrets/…` is commonly 0444).
    Environment(String),
    /// Opens the passphrase slot of the key store.
    Passphrase(Sensitive<String>),
}

impl UnsealSource {
    /// Reads the root key. Whether it is the right one shows at [`super::Keyring::unseal`], except for a passphrase,
    /// which is [`VaultError::WrongKey`] here.
    pub async fn root_key(&self, store: &dyn KeyStore, environment: &dyn Environment) -> Result<RootKey> {
        if let Self::Passphrase(passphrase) = self {
            return with_passphrase(passphrase.clone(), store).await;
        }
        the_fitting(self.root_keys(environment)?, store).await
    }

    /// All root keys that stand in the source, in their order: one, or two while the root key is being rotated. The first
    /// is the one that is wanted. A passphrase is no key.
    pub fn root_keys(&self, environment: &dyn Environment) -> Result<Vec<RootKey>> {
        let text = match self {
            Self::KeyFile(path) => read(path, Others::Refused)?,
            Self::SystemdCredential(name) => {
                let directory = environment.get("CREDENTIALS_DIRECTORY")?.ok_or(SourceFault::NoCredentials)?;
                read(&Path::new(&directory).join(name), Others::Accepted)?
            }
            Self::Environment(name) => variable(name, environment)?,
            Self::Passphrase(_) => return Ok(Vec::new()),
        };
        Ok(RootKey::parse_several(&text)?)
    }
}

/// The one of several keys that opens `store`. A single one is given as it is: whether it fits shows at unsealing.
pub async fn the_fitting(mut keys: Vec<RootKey>, store: &dyn KeyStore) -> Result<RootKey> {
    let at = if keys.len() == 1 { 0 } else { Keyring::fitting(store, &keys).await? };
    Ok(keys.swap_remove(at))
}

/// Puts a key file with these keys in place of the one that is there; at each moment there is the one or the other, whole.
pub fn replace_key_file(path: &Path, keys: &[&RootKey]) -> Result<(), SourceFault> {
    replace_text(path, &lines(keys))
}

/// Puts a file that only its owner may read in place of the one that is there, as a whole.
pub fn replace_text(path: &Path, text: &str) -> Result<(), SourceFault> {
    let fault = |error: std::io::Error| SourceFault::Unwritable(error.kind());
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        // One that was not finished: whatever is in it stands in the file as well.
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(fault(error)),
        _ => {}
    }
    write_text(&beside, text)?;
    keep_owner(path, &beside).map_err(fault)?;
    std::fs::rename(&beside, path).map_err(fault)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(fault)
}

/// Whoever owns the file before owns it afterwards, also when root has rotated the key for a service.
#[cfg(unix)]
fn keep_owner(before: &Path, after: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (old, new) = (std::fs::metadata(before)?, std::fs::metadata(after)?);
    if (old.uid(), old.gid()) == (new.uid(), new.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(after, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Writes a new key file that only its owner may read; refuses to overwrite one.
pub fn write_key_file(path: &Path, root: &RootKey) -> Result<(), SourceFault> {
    write_text(path, &lines(&[root]))
}

fn lines(keys: &[&RootKey]) -> Zeroizing<String> {
    let texts: Vec<_> = keys.iter().map(|key| key.to_text()).collect();
    let mut all = Zeroizing::new(String::with_capacity(texts.iter().map(|text| text.len() + 1).sum()));
    for text in &texts {
        all.push_str(text);
        all.push('\n');
    }
    all
}

/// Writes a new file that only its owner may read; refuses to overwrite one.
pub fn write_text(path: &Path, text: &str) -> Result<(), SourceFault> {
    let fault = |error: std::io::Error| SourceFault::Unwritable(error.kind());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(fault)?;
    file.write_all(text.as_bytes()).map_err(fault)?;
    file.sync_all().map_err(fault)
}

fn variable(name: &str, environment: &dyn Environment) -> Result<Zeroizing<String>, SourceFault> {
    if let Some(text) = environment.get(name)? {
        return Ok(Zeroizing::new(text));
    }
    match environment.get(&format!("{name}_FILE"))? {
        Some(path) => read(Path::new(&path), Others::Accepted),
        None => Err(SourceFault::NotSet),
    }
}

/// Runs Argon2id off the asynchronous threads.
pub(super) async fn with_passphrase(passphrase: Sensitive<String>, store: &dyn KeyStore) -> Result<RootKey> {
    let record = RootRecord::parse(&store.root().await?.ok_or(VaultError::Uninitialised)?.record)?;
    tokio::task::spawn_blocking(move || record.open_with_passphrase(passphrase.expose()))
        .await
        .map_err(|_| SourceFault::Interrupted)?
}

#[derive(Clone, Copy, PartialEq)]
enum Others {
    Accepted,
    Refused,
}

/// More than any text form of a key, spaces included.
const LARGEST: u64 = 4096;

fn read(path: &Path, others: Others) -> Result<Zeroizing<String>, SourceFault> {
    let fault = |error: std::io::Error| SourceFault::Unreadable(error.kind());
    let file = File::open(path).map_err(fault)?;
    // Of the open file, not of the path: it can't be exchanged in between.
    let metadata = file.metadata().map_err(fault)?;
    if others == Others::Refused {
        private(&metadata)?;
    }
    if metadata.len() > LARGEST {
        return Err(SourceFault::TooLarge);
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(LARGEST).read_to_string(&mut text).map_err(fault)?;
    Ok(text)
}

#[cfg(unix)]
fn private(metadata: &std::fs::Metadata) -> Result<(), SourceFault> {
    // The last six bits are those of the group and of everybody else.
    let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o777;
    if mode.trailing_zeros() >= 6 { Ok(()) } else { Err(SourceFault::Permissions { mode }) }
}

#[cfg(not(unix))]
fn private(_: &std::fs::Metadata) -> Result<(), SourceFault> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::memory::MemoryStore;
    use super::*;

    struct Fixed(HashMap<&'static str, String>);

    impl Environment for Fixed {
        fn get(&self, name: &str) -> Result<Option<String>, SourceFault> {
            Ok(self.0.get(name).cloned())
        }
    }

    async fn taken(source: UnsealSource, environment: &[(&'static str, &str)]) -> Result<String> {
        let environment = environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let key = source.root_key(&MemoryStore::default(), &Fixed(environment)).await;
        key.map(|key| key.to_text().to_string())
    }

    fn fault(result: Result<String>) -> SourceFault {
        match result {
            Err(VaultError::Source(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn each_source_gives_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        let key = RootKey::generate().unwrap();
        write_key_file(&path, &key).unwrap();
        let text = key.to_text().to_string();
        let path_text = path.to_str().unwrap();
        let credentials = [("CREDENTIALS_DIRECTORY", directory.path().to_str().unwrap())];
        assert_eq!(taken(UnsealSource::KeyFile(path.clone()), &[]).await.unwrap(), text);
        assert_eq!(taken(UnsealSource::SystemdCredential("root.key".into()), &credentials).await.unwrap(), text);
        let variable = || UnsealSource::Environment("KLUIS_ROOT_KEY".into());
        assert_eq!(taken(variable(), &[("KLUIS_ROOT_KEY", &text)]).await.unwrap(), text);
        assert_eq!(taken(variable(), &[("KLUIS_ROOT_KEY_FILE", path_text)]).await.unwrap(), text);
        assert_eq!(write_key_file(&path, &key), Err(SourceFault::Unwritable(ErrorKind::AlreadyExists)));
    }

    #[test]
    fn a_key_file_is_replaced_as_a_whole_and_stays_its_owners() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        let keys = [(); 2].map(|()| RootKey::generate().unwrap());
        write_key_file(&path, &keys[1]).unwrap();
        std::fs::write(directory.path().join("root.new"), "not finished").unwrap();
        replace_key_file(&path, &[&keys[0], &keys[1]]).unwrap();
        let read = UnsealSource::KeyFile(path).root_keys(&Fixed(HashMap::new())).unwrap();
        let texts = |keys: &[RootKey]| keys.iter().map(|key| key.to_text().to_string()).collect::<Vec<_>>();
        assert_eq!(texts(&read), texts(&keys));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn what_is_missing_or_odd_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = UnsealSource::KeyFile(directory.path().join("none"));
        assert_eq!(fault(taken(missing, &[]).await), SourceFault::Unreadable(ErrorKind::NotFound));
        assert_eq!(fault(taken(UnsealSource::SystemdCredential("x".into()), &[]).await), SourceFault::NoCredentials);
        assert_eq!(fault(taken(UnsealSource::Environment("X".into()), &[]).await), SourceFault::NotSet);
        let typed = taken(UnsealSource::Environment("X".into()), &[("X", "KLUIS-ROOT-ABC")]).await;
        assert!(matches!(typed, Err(VaultError::KeyText(_))));
        let large = directory.path().join("large");
        std::fs::write(&large, vec![b'A'; 5000]).unwrap();
        let file = taken(UnsealSource::Environment("X".into()), &[("X_FILE", large.to_str().unwrap())]).await;
        assert_eq!(fault(file), SourceFault::TooLarge);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        write_key_file(&path, &RootKey::generate().unwrap()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for (mode, accepted) in [(0o400, true), (0o600, true), (0o640, false), (0o604, false), (0o610, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let result = taken(UnsealSource::KeyFile(path.clone()), &[]).await;
            assert_eq!(result.is_ok(), accepted, "{mode:o}");
            if !accepted {
                assert_eq!(fault(result), SourceFault::Permissions { mode });
            }
        }
    }
}
