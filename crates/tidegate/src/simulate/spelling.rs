//! What somebody may have meant.

/// The word that `word` is most likely a slip of: letters left out, added, swapped or in the other case.
pub(super) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    let slips = known.into_iter().map(|it| (slips(&word.to_lowercase(), &it.to_lowercase()), it));
    slips.filter(|(count, _)| *count <= allowed).min_by_key(|(count, _)| *count).map(|(_, it)| it)
}

/// Edits from one word to the other, a swap of neighbours counting as one.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, of_a) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, of_b) in b.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(of_a != of_b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *of_a == b[j - 1] && a[i - 1] == *of_b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let known = ["setWeight", "pause", "analysis", "setCanaryScale"];
        for (word, expected) in [
            ("setWieght", Some("setWeight")),
            ("setweight", Some("setWeight")),
            ("pauze", Some("pause")),
            ("analysys", Some("analysis")),
            ("weight", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(word, known), expected, "{word}");
        }
        assert_eq!(meant("Rolout", ["Rollout"]), Some("Rollout"));
        assert_eq!(meant("mxa", ["max", "min"]), Some("max"));
    }
}
