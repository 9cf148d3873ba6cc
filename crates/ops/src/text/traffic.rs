use std::collections::BTreeMap;

use serde_json::Value;

use super::{Line, Span, Style};
use crate::field;

/// Something that takes a part of the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficGroup {
    /// What it is called; colours by name (`blue`, `yellow`, `green`, `red`) are shown in it.
    pub name: String,
    /// Its part: ready pods, or requests answered.
    pub count: u64,
}

impl TrafficGroup {
    /// The colour that its name stands for, if any.
    #[must_use]
    pub fn style(&self) -> Style {
        match self.name.as_str() {
            "blue" => Style::BrightBlue,
            "yellow" => Style::Yellow,
            "green" => Style::Green,
            "red" => Style::Red,
            _ => Style::Plain,
        }
    }
}

/// Pods that are ready and not terminating, by the tag of their first container's image (`demo:blue` = `blue`), by name.
#[must_use]
pub fn groups_by_image_tag(pods: &[Value]) -> Vec<TrafficGroup> {
    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| takes_traffic(pod)) {
        *groups.entry(image_tag(field::text(pod, "/spec/containers/0/image")).to_owned()).or_default() += 1;
    }
    groups.into_iter().map(|(name, count)| TrafficGroup { name, count }).collect()
}

fn takes_traffic(pod: &Value) -> bool {
    let deleted = pod.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    let mut conditions = field::list(pod, "/status/conditions").iter();
    !deleted
        && conditions.any(|condition| {
            field::text(condition, "/type") == "Ready" && field::text(condition, "/status") == "True"
        })
}

/// The tag of an image reference, or the reference itself if it has none: a `:` before the last `/` is a port.
#[must_use]
pub fn image_tag(image: &str) -> &str {
    let reference = image.split_once('@').map_or(image, |(name, _)| name);
    match reference.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => image,
    }
}

/// A bar of `width` cells and the shares in words: `[████████░░]  blue 80 %  yellow 20 %`.
#[must_use]
pub fn traffic_bar(groups: &[TrafficGroup], width: usize) -> Line {
    const FILLS: [&str; 4] = ["█", "░", "▓", "▒"];
    let counts: Vec<u64> = groups.iter().map(|group| group.count).collect();
    if counts.iter().all(|count| *count == 0) {
        return vec![Span::plain(format!("[{}]  no ready pods", " ".repeat(width)))];
    }
    let cells = shares(&counts, u64::try_from(width).unwrap_or(u64::MAX));
    let mut line = vec![Span::plain("[")];
    for (index, (group, cells)) in groups.iter().zip(cells).enumerate().filter(|(_, (_, cells))| *cells > 0) {
        let fill = FILLS[index % FILLS.len()].repeat(usize::try_from(cells).unwrap_or(width));
        line.push(Span::new(fill, group.style()));
    }
    line.push(Span::plain("]"));
    for (group, percent) in groups.iter().zip(shares(&counts, 100)) {
        line.push(Span::plain("  "));
        line.push(Span::new(&group.name, group.style()));
        line.push(Span::plain(format!(" {percent} %")));
    }
    line
}

/// `total` split in the proportion of `counts`, in whole numbers that sum to `total`: rounded down, and what is left goes to
/// the largest remainders, the earlier of equals first. All zero if all counts are.
#[must_use]
pub fn shares(counts: &[u64], total: u64) -> Vec<u64> {
    let sum: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if sum == 0 {
        return vec![0; counts.len()];
    }
    let product = |count: &u64| u128::from(*count) * u128::from(total);
    let floor = |count: &u64| u64::try_from(product(count) / sum).unwrap_or(total);
    let mut shares: Vec<u64> = counts.iter().map(floor).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|index| (std::cmp::Reverse(product(&counts[*index]) % sum), *index));
    let left = total - shares.iter().sum::<u64>();
    for index in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::{Color, render};

    #[track_caller]
    fn check(groups: &[(&str, u64)], width: usize, expected: &str) {
        let groups: Vec<TrafficGroup> = groups
            .iter()
            .map(|(name, count)| TrafficGroup { name: (*name).to_owned(), count: *count })
            .collect();
        assert_eq!(render(&[traffic_bar(&groups, width)], Color::Off), format!("{expected}\n"));
    }

    #[test]
    fn the_bar_is_always_as_wide_as_asked_for() {
        check(&[("blue", 4), ("yellow", 1)], 10, "[████████░░]  blue 80 %  yellow 20 %");
        check(&[("blue", 0), ("yellow", 5)], 4, "[░░░░]  blue 0 %  yellow 100 %");
        check(&[("a", 1), ("b", 1), ("c", 1)], 10, "[████░░░▓▓▓]  a 34 %  b 33 %  c 33 %");
        check(&[("blue", 0)], 3, "[   ]  no ready pods");
        check(&[], 0, "[]  no ready pods");
    }

    #[test]
    fn shares_sum_to_the_total() {
        for counts in
            [&[1, 1, 1][..], &[2, 3, 7], &[1, 999], &[0, 1], &[5, 5, 5, 5, 5, 5, 5], &[u64::MAX, u64::MAX]]
        {
            assert_eq!(shares(counts, 100).iter().sum::<u64>(), 100, "{counts:?}");
        }
        assert_eq!(shares(&[2, 1], 100), [67, 33], "the larger remainder gets the rest");
        assert_eq!(shares(&[1, 1, 1], 100), [34, 33, 33], "the earlier of equals gets the rest");
        assert_eq!(shares(&[0, 0], 100), [0, 0]);
    }

    #[test]
    fn colours_follow_the_names() {
        let bar = traffic_bar(&[TrafficGroup { name: "blue".to_owned(), count: 1 }], 2);
        assert_eq!(render(&[bar], Color::On), "[\x1b[94m██\x1b[0m]  \x1b[94mblue\x1b[0m 100 %\n");
    }

    #[test]
    fn only_ready_pods_count() {
        let pod = |image: &str, ready: &str, deleted: Value| {
            json!({
                "metadata": {"deletionTimestamp": deleted},
                "spec": {"containers": [{"image": image}]},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            })
        };
        let pods = [
            pod("demo:yellow", "True", Value::Null),
            pod("registry:5000/demo:blue", "True", Value::Null),
            pod("demo:blue@sha256:00", "True", Value::Null),
            pod("registry:5000/demo", "True", Value::Null),
            pod("demo:yellow", "False", Value::Null),
            pod("demo:yellow", "True", json!("2026-11-23T05:27:31Z")),
        ];
        let groups: Vec<_> =
            groups_by_image_tag(&pods).into_iter().map(|group| (group.name, group.count)).collect();
        let expected = [("blue", 2), ("registry:5000/demo", 1), ("yellow", 1)];
        assert_eq!(groups, expected.map(|(name, count)| (name.to_owned(), count)));
    }
}
