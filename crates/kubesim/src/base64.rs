//! Base64, as Secrets hold their data.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `bytes` as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// The position of the first character that is wrong; line ends are passed over.
pub(crate) fn check(text: &str) -> Result<(), usize> {
    let characters: Vec<(usize, u8)> =
        text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r')).collect();
    let end = characters.iter().position(|(_, byte)| *byte == b'=').unwrap_or(characters.len());
    if let Some((at, _)) = characters[..end].iter().find(|(_, byte)| !ALPHABET.contains(byte)) {
        return Err(*at);
    }
    let missing = (4 - end % 4) % 4;
    if missing == 3 || characters.len() - end != missing {
        return Err(characters.get(end).map_or(text.len(), |(at, _)| *at));
    }
    match characters[end..].iter().find(|(_, byte)| *byte != b'=') {
        Some((at, _)) => Err(*at),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_encoded() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(encode(plain.as_bytes()), encoded);
            assert_eq!(check(encoded), Ok(()));
        }
        assert_eq!(encode(&[255, 254, 253]), "//79");
    }

    #[test]
    fn what_is_no_base64_is_found() {
        for (text, at) in [("no?x", 2), ("Zg=", 2), ("Zg", 2), ("Z", 1), ("Zg==Zg==", 2), ("Zm9v=", 4)] {
            assert_eq!(check(text), Err(at), "{text}");
        }
        assert_eq!(check("Zm9v\nZg==\n"), Ok(()));
    }
}
