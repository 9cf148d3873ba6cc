//! The `process_*` metrics, which Linux keeps under `/proc`. Elsewhere, and where a file cannot be read, they are absent.

use std::fs;

use super::text::Text;

/// Linux counts processor time in this unit for whoever reads it, whatever its own.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the files say.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    /// `/proc/self/stat`.
    stat: String,
    /// `/proc/self/status`.
    status: String,
    /// `/proc/self/limits`.
    limits: String,
    /// `/proc/stat`.
    system: String,
    open_files: Option<usize>,
}

impl Process {
    /// This process now.
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            stat: text("/proc/self/stat"),
            status: text("/proc/self/status"),
            limits: text("/proc/self/limits"),
            system: text("/proc/stat"),
            // Less the one by which the directory is read.
            open_files: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1)),
        }
    }

    pub(super) fn write(&self, text: &mut Text) {
        let cpu = self.ticks(13).zip(self.ticks(14)).map(|(user, system)| user + system);
        if let Some(cpu) = cpu {
            text.counter("process_cpu_seconds_total", "Seconds of processor time.", cpu);
        }
        #[allow(clippy::cast_precision_loss, reason = "a count of files")]
        let open_files = self.open_files.map(|files| files as f64);
        let gauges = [
            ("process_max_fds", "Files that may be open.", self.limit("Max open files")),
            ("process_open_fds", "Files that are open.", open_files),
            ("process_resident_memory_bytes", "Bytes of memory in use.", self.kibibytes("VmRSS:")),
            ("process_start_time_seconds", "When the process began, in seconds since 1970.", self.start()),
            ("process_virtual_memory_bytes", "Bytes of address space.", self.kibibytes("VmSize:")),
            (
                "process_virtual_memory_max_bytes",
                "Bytes of address space that may be used; -1: no limit.",
                self.limit("Max address space"),
            ),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                text.gauge(name, help, value);
            }
        }
    }

    /// A member of `stat`, counted from 0, in seconds.
    fn ticks(&self, member: usize) -> Option<f64> {
        // The second member is the program's name in brackets, with whatever is in it.
        let (_, rest) = self.stat.rsplit_once(") ")?;
        Some(rest.split(' ').nth(member - 2)?.parse::<f64>().ok()? / TICKS_PER_SECOND)
    }

    fn start(&self) -> Option<f64> {
        let boot = self.system.lines().find_map(|line| line.strip_prefix("btime "))?;
        Some(boot.trim().parse::<f64>().ok()? + self.ticks(21)?)
    }

    fn kibibytes(&self, name: &str) -> Option<f64> {
        let line = self.status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
    }

    fn limit(&self, name: &str) -> Option<f64> {
        let line = self.limits.lines().find_map(|line| line.strip_prefix(name))?;
        match line.split_whitespace().next()? {
            "unlimited" => Some(-1.0),
            number => number.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_linux() {
        let process = Process {
            stat: "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 12345 1000 10".into(),
            status: "Name:\ta\nVmSize:\t   2048 kB\nVmRSS:\t    1024 kB\n".into(),
            limits: "Limit  Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\n\
                     Max address space  unlimited  unlimited  bytes\n"
                .into(),
            system: "cpu 1 2 3\nbtime 1764000000\n".into(),
            open_files: Some(12),
        };
        let mut text = Text::default();
        process.write(&mut text);
        let text = text.finish();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "process_cpu_seconds_total 3",
            "process_max_fds 1024",
            "process_open_fds 12",
            "process_resident_memory_bytes 1048576",
            "process_start_time_seconds 1764000123.45",
            "process_virtual_memory_bytes 2097152",
            "process_virtual_memory_max_bytes -1",
        ];
        assert_eq!(samples, expected);
    }

    #[test]
    fn what_cannot_be_read_is_absent() {
        let mut text = Text::default();
        Process::default().write(&mut text);
        assert_eq!(text.finish(), "");
    }
}
