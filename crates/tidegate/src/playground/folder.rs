//! The files that lead to the playground: a kubeconfig, the plugin, the guide's manifest. They go away with it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::args::{COMPLETER, PLUGIN};
use crate::demo::MANIFEST;

/// Why the files cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("cannot write the kubeconfig {}", path.display())]
    Kubeconfig { path: PathBuf, source: io::Error },
    #[error("cannot write into a temporary folder")]
    Temporary(#[from] io::Error),
}

/// The files, until it is dropped.
pub(super) struct Folder {
    folder: TempDir,
    /// The kubeconfig outside of the folder.
    elsewhere: Option<PathBuf>,
}

impl Folder {
    /// Writes the files; the kubeconfig to `elsewhere`, if it is said where.
    pub(super) fn create(elsewhere: Option<&Path>, kubeconfig: &str) -> Result<Self, FolderError> {
        let folder = tempfile::Builder::new().prefix("tidegate-playground-").tempdir()?;
        let bin = folder.path().join("bin");
        fs::create_dir(&bin)?;
        let program = std::env::current_exe()?;
        for name in [PLUGIN, COMPLETER] {
            symlink(&program, bin.join(name))?;
        }
        fs::write(folder.path().join("rollouts-demo.yaml"), MANIFEST)?;
        match elsewhere {
            None => write_secret(&folder.path().join("kubeconfig"), kubeconfig)?,
            Some(path) => write_secret(path, kubeconfig)
                .map_err(|source| FolderError::Kubeconfig { path: path.to_owned(), source })?,
        }
        Ok(Self { folder, elsewhere: elsewhere.map(Path::to_owned) })
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.elsewhere.clone().unwrap_or_else(|| self.folder.path().join("kubeconfig"))
    }

    /// Where the plugin is.
    pub(super) fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.folder.path().join("rollouts-demo.yaml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(path) = &self.elsewhere {
            // It leads nowhere any more; whoever has removed it already is right too.
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes a new file that only its owner may read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn everything_goes_away_and_nothing_is_overwritten() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("config");
        let folder = Folder::create(Some(&path), "secret").unwrap();
        assert_eq!(fs::read_to_string(folder.kubeconfig()).unwrap(), "secret");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let error = Folder::create(Some(&path), "other").err().unwrap();
        assert!(matches!(&error, FolderError::Kubeconfig { path: named, .. } if *named == path), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret");
        let inner = folder.manifest();
        assert!(folder.bin().join("kubectl-argo-rollouts").exists() && inner.exists());
        drop(folder);
        assert!(!path.exists() && !inner.exists());
    }
}
