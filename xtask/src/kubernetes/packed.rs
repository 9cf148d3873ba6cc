//! JSON in a gzip file, the same bytes each time.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

/// The compressed text of `value`. It has no time stamp and no name, so that equal values give equal files.
pub(super) fn pack(value: &Value) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(crate::codegen::sorted(value).to_string().as_bytes())
        .map_err(|error| error.to_string())?;
    encoder.finish().map_err(|error| error.to_string())
}

/// The value in a file made by [`pack`].
pub(super) fn unpack(bytes: &[u8]) -> Result<Value, String> {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_give_equal_files() {
        let value = json!({"b": [1, "x"], "a": null});
        let packed = pack(&value).unwrap();
        assert_eq!(packed, pack(&json!({"a": null, "b": [1, "x"]})).unwrap());
        assert_eq!(unpack(&packed).unwrap(), value);
        unpack(b"no gzip").unwrap_err();
    }
}
