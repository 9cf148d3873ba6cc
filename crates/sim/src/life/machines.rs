//! What happens to machines, one line of a script after the other: to the controller, to its way to the API server, to nodes. None
//! of it asks for anything, and all of it passes.

use crate::dice::Dice;
use crate::faults::{Fault, Rates};

/// A weather of faults until the next.
pub(super) fn faults(dice: &mut Dice) -> Vec<String> {
    let mut rates = Rates::default();
    for fault in Fault::ALL {
        if dice.happens(1, 3) {
            rates.set(fault, dice.one_of(&[5, 20, 60, 150]));
        }
    }
    vec![format!("faults {rates}")]
}

pub(super) fn fault(dice: &mut Dice) -> Vec<String> {
    let of_writes =
        ["conflict", "already-exists", "timeout-before", "timeout-after", "late-write", "server-error"];
    vec![format!("fault {} at write {}", dice.one_of(&of_writes), 1 + dice.roll(5))]
}

pub(super) fn crash(dice: &mut Dice) -> Vec<String> {
    let millis = dice.roll(8_000);
    let away = format!("wait {millis}ms");
    if millis > 0 { vec!["crash".to_owned(), away, "start".to_owned()] } else { vec!["start".to_owned()] }
}

pub(super) fn crash_at_write(dice: &mut Dice) -> Vec<String> {
    vec![format!("crash {} write {}", dice.one_of(&["before", "after"]), 1 + dice.roll(6))]
}

pub(super) fn twin(dice: &mut Dice) -> Vec<String> {
    vec![format!("twin {}ms", 200 + dice.roll(15_000))]
}

pub(super) fn clock(dice: &mut Dice) -> Vec<String> {
    let whose = dice.one_of(&["cluster", "controller"]);
    vec![format!("clock of {whose} {}", dice.one_of(&["-3s", "-700ms", "0s", "400ms", "5s"]))]
}

pub(super) fn server_away(dice: &mut Dice) -> Vec<String> {
    vec![format!("apiserver away {}ms", 500 + dice.roll(10_000))]
}

pub(super) fn silence(dice: &mut Dice) -> Vec<String> {
    vec![format!("silence {}s", 1 + dice.roll(12))]
}

pub(super) fn node_lost(dice: &mut Dice) -> Vec<String> {
    vec![format!("lose node {}", dice.roll(3))]
}
