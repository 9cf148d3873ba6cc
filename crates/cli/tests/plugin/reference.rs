//! `docs/cli.md` is what the program says of itself.

use std::fs;
use std::path::Path;

use crate::transcript::check_file;

#[test]
fn the_reference_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let text = fs::read_to_string(&path).unwrap();
    let introduction = text.find("## Flags of all commands").map_or(text.as_str(), |end| &text[..end]);
    check_file(&path, &format!("{introduction}{}", tidegate_cli::reference()));
}
