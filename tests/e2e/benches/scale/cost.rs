//! What a process has cost: the kernel's account of it, and the API server's of its requests.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

/// Clock ticks per second in `/proc`, on every Linux there is.
const TICKS: f64 = 100.0;

/// A process by its id.
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self(id)
    }

    /// Seconds of processor time so far.
    pub(crate) fn cpu(&self) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
    }

    /// Resident memory in MiB.
    pub(crate) fn rss(&self) -> f64 {
        self.memory("VmRSS:")
    }

    /// The most it ever was.
    pub(crate) fn peak(&self) -> f64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

/// Requests of the controller as the audit log tells them, Leases and watches aside.
pub(crate) struct Audit {
    file: PathBuf,
    read: u64,
}

impl Audit {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, read: 0 }
    }

    /// Forgets what has been asked so far.
    pub(crate) fn skip(&mut self) {
        self.read = fs::metadata(&self.file).unwrap().len();
    }

    /// Requests since the last look.
    pub(crate) fn count(&mut self) -> usize {
        self.requests().values().sum()
    }

    /// Requests since the last look, per Rollout and by verb and resource.
    pub(crate) fn figures(&mut self, rollouts: usize) -> Map<String, Value> {
        let requests = self.requests();
        let is_write =
            |name: &str| ["create", "update", "patch", "delete"].iter().any(|verb| name.starts_with(verb));
        let succeeded = |name: &str| !name.ends_with(|c: char| c.is_ascii_digit());
        let sum = |wanted: &dyn Fn(&str) -> bool| -> f64 {
            let counted =
                requests.iter().filter(|(name, _)| wanted(name)).map(|(_, count)| *count).sum::<usize>();
            #[expect(clippy::cast_precision_loss, reason = "a mean")]
            let mean = counted as f64 / rollouts as f64;
            mean
        };
        let writes = sum(&|name| is_write(name) && succeeded(name) && !name.contains("events"));
        let figures = json!({
            "requests_per_rollout": sum(&|_| true), "object_writes_per_rollout": writes,
            "events_per_rollout": sum(&|name| name == "create events"), "by": requests,
        });
        figures.as_object().unwrap().clone()
    }

    /// `patch rollouts/status` and the like; what failed has its code behind it.
    fn requests(&mut self) -> BTreeMap<String, usize> {
        let mut file = fs::File::open(&self.file).unwrap();
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        let mut requests = BTreeMap::new();
        for line in text[..whole].lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let (object, verb) = (&line["objectRef"], line["verb"].as_str().unwrap_or_default());
            if object["resource"] == "leases" || verb == "watch" {
                continue;
            }
            let mut name = format!("{verb} {}", object["resource"].as_str().unwrap_or_default());
            if let Some(subresource) = object["subresource"].as_str() {
                name += &format!("/{subresource}");
            }
            if let Some(code) = line["responseStatus"]["code"].as_i64().filter(|code| *code >= 400) {
                name += &format!(" {code}");
            }
            *requests.entry(name).or_insert(0) += 1;
        }
        requests
    }
}
