//! Clients and workers in one thread, in an order drawn from the seed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use quipu::crew::Crew;

use crate::chance::Chance;

/// How often in a row nothing may happen before everybody waits for nobody.
const IDLE_ROUNDS_MAX: usize = 1000;

/// How often followers are asked once nobody appends any more.
const LAST_ROUNDS: usize = 40;

/// Somebody who does something.
pub(super) type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Polls tasks and turns the crew until all `tasks` are over and their `followers` have had time to follow, or
/// until `is_over`.
///
/// # Panics
/// When nobody gets on any more.
pub(super) fn turn_until_over(
    mut tasks: Vec<Task<'_>>,
    mut followers: Vec<Task<'_>>,
    crew: &Crew,
    chance: &mut Chance,
    is_over: impl Fn() -> bool,
) {
    let mut idle_rounds = 0;
    while !tasks.is_empty() && !is_over() {
        // Some clients come, or many before anybody works: groups of every size.
        for _ in 0..=chance.below(tasks.len() as u64) {
            if poll_one(&mut tasks, chance) {
                idle_rounds = 0;
            }
        }
        if chance.once_in(2) {
            poll_one(&mut followers, chance);
        }
        for _ in 0..=chance.below(3) {
            idle_rounds = if crew.turn(chance.number()) { 0 } else { idle_rounds + 1 };
        }
        assert!(idle_rounds < IDLE_ROUNDS_MAX, "nobody gets on any more: {} wait", tasks.len());
    }
    for _ in 0..LAST_ROUNDS {
        poll_one(&mut followers, chance);
    }
}

/// Polls one of the tasks; says whether it is over.
fn poll_one(tasks: &mut Vec<Task<'_>>, chance: &mut Chance) -> bool {
    if tasks.is_empty() {
        return false;
    }
    let next = chance.below(tasks.len() as u64) as usize;
    let is_over = tasks[next].as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    if is_over {
        drop(tasks.swap_remove(next));
    }
    is_over
}
