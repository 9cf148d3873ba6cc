//! `restart`.

use jiff::Timestamp;
use tidegate_kubesim::ApiServer;

use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn pods_are_restarted_by_the_servers_clock() {
    // The server's clock is not that of this machine.
    let world = World::frozen("guide/00-deployed");
    let now = world.act(ApiServer::now);
    let restart_in = || {
        let rollout = world.rollout("rollouts-demo");
        let at: Timestamp = rollout["spec"]["restartAt"].as_str().unwrap().parse().unwrap();
        at.as_second() - now.as_second()
    };
    let mut transcript = Transcript::default();
    transcript.run(&world, "restart rollouts-demo");
    assert_eq!(restart_in(), 0);
    transcript.run(&world, "restart rollouts-demo --in 10s");
    assert_eq!(restart_in(), 10);
    transcript.run(&world, "restart rollouts-demo -i -1m");
    assert_eq!(restart_in(), -60);
    let before = world.version();
    transcript.about("No duration.").run(&world, "restart rollouts-demo --in zz");
    transcript.about("A Rollout that does not exist.").run(&world, "restart nope");
    assert_eq!(world.version(), before);
    transcript.check("restart");
}
