//! How far ReplicaSets may shrink. The one place that has the last word on it.
//!
//! ReplicaSets behind one shared selector (a canary without a router) are bound by total availability: after every single
//! write there are as many available pods as the strategy promises, or as many as there were. What remains is counted by what is
//! certain, what there was by what is possible. What is ready answers requests before it is available, and is kept by the same count. A ReplicaSet that a Service or a route pins by its hash keeps what its share needs.

use crate::rollout::arithmetic::Pods;

/// A wish to give the ReplicaSet at `index` another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Position in the list of all ReplicaSets behind the selector.
    pub index: usize,
    /// Wanted pods.
    pub size: i32,
}

/// The sizes that may be written, in the order of `wishes`. A shrinking that would take too much is cut to what is left.
#[must_use]
pub fn shared_selector(min_available: i32, pods: &[Pods], wishes: &[Resize]) -> Vec<i32> {
    let mut now = pods.to_vec();
    let mut allowed = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let this = now[wish.index];
        let others: i32 = now.iter().map(|pods| pods.available).sum::<i32>() - this.available;
        let promise = min_available.min(now.iter().map(|pods| pods.possible).sum());
        let ready: i32 = now.iter().map(|pods| pods.ready).sum();
        let keeps_promise = |size: &i32| {
            let after = this.resized(*size);
            after.available + others >= promise
                && ready - this.ready + after.ready >= min_available.min(ready)
        };
        // The smallest size that keeps the promise; where none does, the present one: better wait than guess.
        let size = if wish.size < this.size {
            (wish.size..this.size).find(keeps_promise).unwrap_or(this.size)
        } else {
            wish.size
        };
        now[wish.index] = this.resized(size);
        allowed.push(size);
    }
    allowed
}

/// The size that may be written to a ReplicaSet that carries traffic by its hash: at least so many certainly available pods
/// remain, or as many as there may be; and of those that are ready, available or not yet, as many.
#[must_use]
pub fn pinned(least: i32, pods: Pods, wish: i32) -> i32 {
    if wish >= pods.size {
        return wish;
    }
    // What is not known may all be the pods that count.
    let promise = least.min(pods.possible);
    let is_kept = |size: &i32| {
        let after = pods.resized(*size);
        after.available >= promise && after.ready >= least.min(pods.ready)
    };
    (wish..pods.size).find(is_kept).unwrap_or(pods.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(size: i32, available: i32) -> Pods {
        Pods::known(size, available)
    }

    #[test]
    fn what_is_not_known_is_not_counted_on() {
        let unknown = Pods { size: 3, available: 0, possible: 3, ready: 0, leaving: 0 };
        assert_eq!(shared_selector(4, &[pods(4, 4), unknown], &[Resize { index: 0, size: 3 }]), vec![4]);
        assert_eq!(shared_selector(4, &[pods(2, 2), unknown], &[Resize { index: 1, size: 0 }]), vec![3]);
        assert_eq!(shared_selector(4, &[pods(4, 4), unknown], &[Resize { index: 1, size: 0 }]), vec![0]);
    }

    #[test]
    fn a_shrinking_is_cut_to_what_availability_allows() {
        let world = [pods(4, 4), pods(1, 0)];
        assert_eq!(shared_selector(4, &world, &[Resize { index: 0, size: 3 }]), vec![4]);
        assert_eq!(shared_selector(3, &world, &[Resize { index: 0, size: 0 }]), vec![3]);
    }

    #[test]
    fn what_is_not_available_may_always_go() {
        assert_eq!(shared_selector(4, &[pods(4, 1), pods(3, 0)], &[Resize { index: 1, size: 0 }]), vec![0]);
    }

    #[test]
    fn what_is_ready_answers_before_it_is_available() {
        let young = Pods { size: 4, available: 0, possible: 0, ready: 4, leaving: 0 };
        let wish = |size| [Resize { index: 0, size }];
        assert_eq!(shared_selector(3, &[young], &wish(0)), vec![3]);
        assert_eq!(shared_selector(3, &[young, pods(2, 2)], &wish(0)), vec![1]);
        assert_eq!(pinned(2, young, 0), 2);
        assert_eq!(pinned(9, young, 1), 4);
    }

    #[test]
    fn each_wish_counts_on_the_ones_before_it() {
        let world = [pods(3, 3), pods(3, 3)];
        let wishes = [Resize { index: 0, size: 1 }, Resize { index: 1, size: 1 }];
        assert_eq!(shared_selector(4, &world, &wishes), vec![1, 3]);
    }

    #[test]
    fn what_is_pinned_keeps_what_its_share_needs_or_what_there_is() {
        assert_eq!(pinned(2, pods(4, 4), 0), 2);
        assert_eq!(pinned(2, pods(4, 4), 3), 3);
        assert_eq!(pinned(3, pods(4, 1), 0), 1);
        assert_eq!(pinned(3, pods(4, 0), 0), 0);
        assert_eq!(
            pinned(3, Pods { size: 4, available: 0, possible: 4, ready: 0, leaving: 0 }, 0),
            4,
            "any of them may be one that counts"
        );
        assert_eq!(pinned(9, pods(1, 1), 5), 5);
    }

    #[test]
    fn what_may_leave_is_there_beside_what_must_stay() {
        let restarted = Pods { leaving: 1, ..pods(2, 1) };
        assert_eq!(shared_selector(1, &[restarted], &[Resize { index: 0, size: 1 }]), vec![2]);
        assert_eq!(pinned(1, restarted, 0), 2);
        let unready_goes_first = Pods { leaving: 1, ..pods(3, 1) };
        assert_eq!(pinned(1, unready_goes_first, 1), 2);
        assert_eq!(pinned(0, restarted, 0), 0);
    }

    #[test]
    fn growing_is_never_held_back() {
        assert_eq!(shared_selector(9, &[pods(1, 1)], &[Resize { index: 0, size: 9 }]), vec![9]);
    }
}
