//! Which share of the requests to a Service each version answers, as a bar.

use tidegate_ops::text::{Color, Look, Piece, Row, Style, TrafficGroup, shares};
use tidegate_sim::World;

/// A version and its share.
struct Share {
    name: String,
    style: Style,
    percent: u64,
}

/// Reads shares, and remembers in which order versions came: an old one stays left of a new one, in its own pattern.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    namespace: String,
    service: String,
    seen: Vec<String>,
}

impl Traffic {
    /// Of one Service.
    pub(crate) fn of(namespace: &str, service: &str) -> Self {
        Self { namespace: namespace.to_owned(), service: service.to_owned(), seen: Vec::new() }
    }

    /// The bar of `cells` cells.
    pub(crate) fn bar(&mut self, world: &World, cells: usize, color: Color) -> Row {
        bar(&self.look(world), cells, color)
    }

    /// The bar, and the shares in words.
    pub(crate) fn bar_with_words(&mut self, world: &World, cells: usize, color: Color) -> Row {
        let shares = self.look(world);
        let mut row = bar(&shares, cells, color);
        row.push(Piece::plain("  "));
        row.extend(words(&shares));
        row
    }

    /// The shares in words alone.
    pub(crate) fn words(&mut self, world: &World) -> Row {
        words(&self.look(world))
    }

    fn look(&mut self, world: &World) -> Vec<Option<Share>> {
        self.shares(&world.traffic_groups(&self.namespace, &self.service))
    }

    /// Shares by version, in the order in which versions came; `None` for one that answers nothing any more.
    fn shares(&mut self, groups: &[TrafficGroup]) -> Vec<Option<Share>> {
        let counts: Vec<u64> = groups.iter().map(|group| group.count).collect();
        for group in groups {
            if !self.seen.contains(&group.name) {
                self.seen.push(group.name.clone());
            }
        }
        let percents = shares(&counts, 100);
        let share = |name: &String| {
            let at = groups.iter().position(|group| group.name == *name)?;
            Some(Share { name: name.clone(), style: groups[at].style(), percent: percents[at] })
        };
        self.seen.iter().map(share).collect()
    }
}

/// `blue 80 %  yellow 20 %`
fn words(shares: &[Option<Share>]) -> Row {
    let mut row = Row::new();
    for share in shares.iter().flatten() {
        if !row.is_empty() {
            row.push(Piece::plain("  "));
        }
        row.push(Piece::new(&share.name, Look::Of(share.style)));
        row.push(Piece::plain(format!(" {} %", share.percent)));
    }
    if row.is_empty() {
        row.push(Piece::dim("nobody answers"));
    }
    row
}

/// Colours tell versions apart, or else patterns.
fn bar(versions: &[Option<Share>], cells: usize, color: Color) -> Row {
    const PATTERNS: [&str; 4] = ["█", "░", "▓", "▒"];
    let percents: Vec<u64> =
        versions.iter().map(|share| share.as_ref().map_or(0, |share| share.percent)).collect();
    let parts = shares(&percents, u64::try_from(cells).unwrap_or(u64::MAX));
    let mut row = vec![Piece::dim("[")];
    for (index, (share, part)) in versions.iter().zip(&parts).enumerate() {
        let pattern = if color == Color::On { PATTERNS[0] } else { PATTERNS[index % PATTERNS.len()] };
        let style = share.as_ref().map_or(Style::Plain, |share| share.style);
        row.push(Piece::new(pattern.repeat(usize::try_from(*part).unwrap_or(cells)), Look::Of(style)));
    }
    if parts.iter().all(|part| *part == 0) {
        row.push(Piece::plain(" ".repeat(cells)));
    }
    row.push(Piece::dim("]"));
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_ops::text::paint;

    #[track_caller]
    fn check(traffic: &mut Traffic, groups: &[(&str, u64)], color: Color, expected: &str) {
        let group = |(name, count): &(&str, u64)| TrafficGroup { name: (*name).to_owned(), count: *count };
        let groups: Vec<_> = groups.iter().map(group).collect();
        let shares = traffic.shares(&groups);
        assert_eq!(paint(&bar(&shares, 10, color), color), expected);
    }

    #[test]
    fn versions_keep_their_place_and_pattern() {
        let mut traffic = Traffic::default();
        check(&mut traffic, &[], Color::Off, "[          ]");
        check(&mut traffic, &[("blue", 5)], Color::Off, "[██████████]");
        check(&mut traffic, &[("blue", 4), ("yellow", 1)], Color::Off, "[████████░░]");
        check(&mut traffic, &[("yellow", 5)], Color::Off, "[░░░░░░░░░░]");
        check(&mut traffic, &[("red", 1), ("yellow", 4)], Color::Off, "[░░░░░░░░▓▓]");
        let coloured = "\x1b[2m[\x1b[0m\x1b[33m████████\x1b[0m\x1b[31m██\x1b[0m\x1b[2m]\x1b[0m";
        check(&mut traffic, &[("red", 1), ("yellow", 4)], Color::On, coloured);
    }
}
