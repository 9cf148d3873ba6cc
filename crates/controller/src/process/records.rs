//! Failures as files: a bounded number of them, the last ones.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tidegate_core::{Failure, Recording};

/// So many files are kept of either kind.
const KEPT: usize = 100;
/// What their names end in; nothing else in the folder is touched.
const ENDING: &str = ".snapshot.json";
/// What the names of those end in that tell of a fault of the controller: an outage, with its many failed writes, must not push them out.
const ENDING_OF_BUGS: &str = ".bug.snapshot.json";
/// Names of Rollouts are longer than names of files may be.
const LONGEST_NAME: usize = 120;

/// A folder of recordings.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    /// Keeps recordings in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, String> {
        let records = Self { folder: folder.to_owned() };
        let tried = fs::create_dir_all(folder).and_then(|()| records.write("begin", b""));
        let tried = tried.and_then(fs::remove_file);
        tried.map_err(|error| format!("--record-dir {}: cannot be written to: {error}", folder.display()))?;
        Ok(records)
    }

    /// Saves one and drops the oldest beyond the limit. What cannot be saved is logged: work goes on.
    pub(super) fn keep(&self, recording: &Recording) {
        match self.try_keep(recording) {
            Ok(path) => tracing::info!("what failed was recorded in {}", path.display()),
            Err(error) => {
                tracing::warn!("what failed could not be recorded in {}: {error}", self.folder.display());
            }
        }
    }

    fn try_keep(&self, recording: &Recording) -> io::Result<PathBuf> {
        let mut text = serde_json::to_vec_pretty(&recording.to_safe_json()?)?;
        text.push(b'\n');
        let written = self.write("new", &text)?;
        let path = self.free_path(recording);
        fs::rename(&written, &path)?;
        self.drop_old()?;
        Ok(path)
    }

    /// Writes a file that is not yet one of the recordings, for nobody else's eyes.
    fn write(&self, name: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.folder.join(format!(".{name}-{}.tmp", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        file.write_all(content)?;
        file.sync_all()?;
        Ok(path)
    }

    /// A name by which the files stand in the order of time: `20260101T000012.345Z-000-shop-web.snapshot.json`.
    fn free_path(&self, recording: &Recording) -> PathBuf {
        let ending = match recording.failure {
            Failure::Write { .. } => ENDING,
            Failure::Panic(_) | Failure::WokenInThePast => ENDING_OF_BUGS,
        };
        let metadata = &recording.snapshot.rollout.metadata;
        let at = recording.now.strftime("%Y%m%dT%H%M%S.%3fZ");
        let name: String = metadata.name.chars().take(LONGEST_NAME).collect();
        let path = |n: usize| self.folder.join(format!("{at}-{n:03}-{}-{name}{ending}", metadata.namespace));
        (0..).map(path).find(|path| !path.exists()).unwrap_or_else(|| path(0))
    }

    fn drop_old(&self) -> io::Result<()> {
        let (mut bugs, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.to_string_lossy();
            if name.ends_with(ENDING_OF_BUGS) {
                bugs.push(path);
            } else if name.ends_with(ENDING) {
                others.push(path);
            }
        }
        for mut paths in [bugs, others] {
            paths.sort();
            for old in paths.iter().take(paths.len().saturating_sub(KEPT)) {
                fs::remove_file(old)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;
    use tidegate_core::{Snapshot, WriteError};

    use super::*;

    fn recording(second: i64, failure: Failure) -> Recording {
        let rollout = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": "hunter2"}]}]}}},
        }));
        Recording {
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second),
            failure,
            plan: None,
            snapshot: Snapshot::of(rollout.unwrap()),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_last_hundred_of_either_kind_are_kept_and_nothing_else_is_touched() {
        let folder = std::env::temp_dir().join(format!("tidegate-records-{}", std::process::id()));
        let records = Records::in_folder(&folder).unwrap();
        fs::write(folder.join("mine.json"), "{}").unwrap();
        let panic = Failure::Panic("oh".to_owned());
        records.keep(&recording(0, panic.clone()));
        let write = Failure::Write { number: 0, error: WriteError::Forbidden("no".to_owned()) };
        for second in 0..103 {
            records.keep(&recording(second / 2, write.clone()));
        }
        let names = names(&folder);
        assert_eq!(names.len(), KEPT + 2);
        assert_eq!(names[0], "19700101T000000.000Z-000-shop-web.bug.snapshot.json");
        assert_eq!(names[1], "19700101T000001.000Z-001-shop-web.snapshot.json");
        assert_eq!(names[KEPT + 1], "mine.json");
        let read = |name: &str| {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
            serde_json::from_str::<Recording>(&text).unwrap().failure
        };
        assert_eq!((read(&names[0]), read(&names[1])), (panic, write));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_told_at_once() {
        let file = std::env::temp_dir().join(format!("tidegate-no-folder-{}", std::process::id()));
        fs::write(&file, "").unwrap();
        let error = Records::in_folder(&file).unwrap_err();
        assert!(
            error.starts_with(&format!("--record-dir {}: cannot be written to: ", file.display())),
            "{error}"
        );
        fs::remove_file(&file).unwrap();
    }
}
