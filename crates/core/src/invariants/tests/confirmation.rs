//! I2 while the data plane has not confirmed what it was told, and whoever answers where it goes by versions alone.

use serde_json::json;

use super::traffic::{routed, weights, weights_of};
use super::{check_write, rules, updating};
use crate::invariants::WHOLE;

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

#[test]
fn by_versions_alone_their_own_pods_answer() {
    let without_services = |ready| {
        let mut world = routed([(5, ready), (5, 5)], (20, 80), updating(json!({})));
        let weights = world.routed.as_mut().unwrap();
        weights.canary.service_name.clear();
        weights.stable.service_name.clear();
        world.services.clear();
        world.endpoints.clear();
        world
    };
    assert_eq!(without_services(1).unanswered(), 0);
    assert_eq!(without_services(0).unanswered(), WHOLE * 80 / 100);
}
