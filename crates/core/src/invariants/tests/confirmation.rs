//! I2 while the data plane has not confirmed what it was told.

use serde_json::json;

use super::traffic::{routed, weights, weights_of};
use super::{check_write, rules, updating};

#[test]
fn i2_what_the_data_plane_may_still_do_needs_its_pods() {
    let before = routed([(5, 5), (5, 5)], (0, 100), updating(json!({})));
    let mut after = routed([(5, 5), (0, 5)], (0, 100), updating(json!({})));
    assert!(check_write(&before, &after).is_empty());
    after.unconfirmed = vec![weights_of(&weights(60, 40))];
    assert_eq!(rules(&check_write(&before, &after)), ["I2"]);
    after.replica_sets[1].replicas = 2;
    assert!(check_write(&before, &after).is_empty(), "two of three, and one may be missing");
}
