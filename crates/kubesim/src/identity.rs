//! Identities from a seed: uids, name suffixes, addresses.

/// The characters of generated name suffixes: Kubernetes leaves out vowels and look-alikes.
const SUFFIX_CHARACTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A deterministic sequence of identities (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Identities {
    state: u64,
    pods: u32,
    services: u32,
}

impl Identities {
    pub(crate) fn from_seed(seed: u64) -> Self {
        // The first output depends on every bit of the seed, so neighbouring seeds share nothing.
        let mut identities = Self { state: seed, pods: 2, services: 0 };
        identities.state ^= identities.draw();
        identities
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A version 4 UUID.
    pub(crate) fn uid(&mut self) -> String {
        let (high, low) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// Five characters, as `generateName` appends them.
    pub(crate) fn suffix(&mut self) -> String {
        let mut bits = self.draw();
        let mut suffix = String::with_capacity(5);
        for _ in 0..5 {
            let index = (bits % SUFFIX_CHARACTERS.len() as u64) as usize;
            suffix.push(char::from(SUFFIX_CHARACTERS[index]));
            bits /= SUFFIX_CHARACTERS.len() as u64;
        }
        suffix
    }

    /// The next address of 10.88.0.0/16.
    pub(crate) fn pod_ip(&mut self) -> String {
        self.pods += 1;
        format!("10.88.{}.{}", (self.pods / 254) % 256, self.pods % 254 + 1)
    }

    /// The next address of 10.0.0.0/16.
    pub(crate) fn cluster_ip(&mut self) -> String {
        self.services += 1;
        format!("10.0.{}.{}", 80 + (self.services / 200) % 100, self.services % 200 + 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_differs_from_its_neighbour() {
        let draw = |seed| {
            let mut identities = Identities::from_seed(seed);
            (identities.uid(), identities.suffix(), identities.pod_ip())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7).0, draw(8).0);
        assert_ne!(draw(7).1, draw(8).1);
    }

    #[test]
    fn shapes_are_those_of_kubernetes() {
        let mut identities = Identities::from_seed(1);
        let uid = identities.uid();
        assert_eq!(uid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(uid.as_bytes()[14], b'4');
        assert!(identities.suffix().bytes().all(|byte| SUFFIX_CHARACTERS.contains(&byte)));
    }
}
