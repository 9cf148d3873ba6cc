//! `docs/controller.md` is what the program says of itself.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- flags -->\n";
const END: &str = "<!-- end of flags -->\n";

#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_table_of_flags_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/controller.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = [before, BEGIN, &tidegate_controller::process::reference(), END, after].concat();
    if std::env::var("TIDEGATE_ACCEPT").is_ok() {
        fs::write(&path, &fresh).unwrap();
    } else {
        assert_eq!(text, fresh, "TIDEGATE_ACCEPT=1 writes it anew");
    }
}
