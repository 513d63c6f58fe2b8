use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{pending, ready};

use aws_sdk_organizations::error::ErrorMetadata;
use aws_sdk_organizations::operation::list_roots::ListRootsError;
use aws_smithy_types::body::SdkBody;

use super::*;

const ACTION: &str = "organizations:ListRoots";

#[test]
fn backoff_grows_and_ends() {
    assert!(backoff(1) <= FIRST_BACKOFF);
    assert!(backoff(1) >= FIRST_BACKOFF / 2);
    assert!(backoff(25) <= LONGEST_BACKOFF);
    assert!(backoff(25) >= LONGEST_BACKOFF / 2);
    assert!(backoff(u32::MAX) <= LONGEST_BACKOFF);
}

#[test]
fn a_pace_slows_once_per_change_and_recovers() {
    let pacer = Pacer::new(3);
    let started = Instant::now();
    let now = started + Duration::from_millis(1);
    pacer.slow_down(ACTION, started, now);
    pacer.slow_down(ACTION, started, now);
    let interval = |pacer: &Pacer| pacer.paces.lock().unwrap()[ACTION].interval;
    assert_eq!(interval(&pacer), FIRST_INTERVAL);
    assert_eq!(pacer.throttled(), 2);
    pacer.slow_down(ACTION, now, now);
    let slowed = FIRST_INTERVAL.mul_f64(1.5);
    assert_eq!(interval(&pacer), slowed);
    assert_eq!(pacer.slot(ACTION, now), now + slowed);
    assert_eq!(pacer.slot(ACTION, now), now + slowed * 2);
    assert_eq!(pacer.slot("organizations:ListAccounts", now), now);
    for _ in 0..200 {
        pacer.speed_up(ACTION);
    }
    assert!(pacer.paces.lock().unwrap().is_empty());
}

const CALLERS: usize = 16;
const LATENCY: Duration = Duration::from_millis(10);
const PER_SECOND: f64 = 20.0;
const BURST: f64 = 2.0;

/// The next event of a caller, and the refusals of its current call.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Wants { refusals: u32 },
    Calls { refusals: u32 },
    IsGranted,
    IsRefused { refusals: u32, started: Instant },
}

/// Callers of a service that allows a burst and a rate. Time is computed, not waited for.
struct Rush {
    began: Instant,
    now: Instant,
    due: BinaryHeap<Reverse<(Instant, usize, Step)>>,
    steps: usize,
    tokens: f64,
    refilled: Instant,
    granted: usize,
    refused: usize,
}

impl Rush {
    /// Makes calls as [`Pacer::call`] does; without a pacer only the pauses after refusals are left.
    fn of(calls: usize, pacer: Option<&Pacer>) -> Self {
        let began = Instant::now();
        let mut rush = Self {
            began,
            now: began,
            due: BinaryHeap::new(),
            steps: 0,
            tokens: BURST,
            refilled: began,
            granted: 0,
            refused: 0,
        };
        for _ in 0..CALLERS {
            rush.comes(began, Step::Wants { refusals: 0 });
        }
        let mut begun = CALLERS;
        while let Some(Reverse((now, _, step))) = rush.due.pop() {
            rush.now = now;
            match step {
                Step::Wants { refusals } => {
                    let slot = pacer.map_or(now, |pacer| pacer.slot(ACTION, now));
                    rush.comes(slot, Step::Calls { refusals });
                }
                Step::Calls { refusals } => {
                    let answer = if rush.grants() {
                        Step::IsGranted
                    } else {
                        Step::IsRefused {
                            refusals: refusals + 1,
                            started: now,
                        }
                    };
                    rush.comes(now + LATENCY, answer);
                }
                Step::IsGranted => {
                    pacer.inspect(|pacer| pacer.speed_up(ACTION));
                    if begun < calls {
                        begun += 1;
                        rush.comes(now, Step::Wants { refusals: 0 });
                    }
                }
                Step::IsRefused { refusals, started } => {
                    pacer.inspect(|pacer| pacer.slow_down(ACTION, started, now));
                    rush.comes(now + full_backoff(refusals), Step::Wants { refusals });
                }
            }
        }
        assert_eq!(rush.granted, calls);
        rush
    }

    /// Puts a step on the calendar; those of one moment come in the order in which they were put there.
    fn comes(&mut self, when: Instant, step: Step) {
        self.steps += 1;
        self.due.push(Reverse((when, self.steps, step)));
    }

    fn grants(&mut self) -> bool {
        let earned = (self.now - self.refilled).as_secs_f64() * PER_SECOND;
        self.tokens = (self.tokens + earned).min(BURST);
        self.refilled = self.now;
        let is_granted = self.tokens >= 1.0;
        if is_granted {
            self.tokens -= 1.0;
            self.granted += 1;
        } else {
            self.refused += 1;
        }
        is_granted
    }
}

#[test]
fn the_pace_adapts_to_the_service() {
    const CALLS: usize = 200;
    let paced = Rush::of(CALLS, Some(&Pacer::new(25)));
    let blind = Rush::of(CALLS, None);
    // Knocking blindly is refused far more often than it is let in.
    assert!(paced.refused < CALLS / 4, "{} refused", paced.refused);
    assert!(blind.refused > CALLS * 2, "{} refused", blind.refused);
    // The pacer is fast enough to use most of the rate soon.
    let took = (paced.now - paced.began).as_secs_f64();
    assert!(took < 5.0 * CALLS as f64 / PER_SECOND, "{took} s");
}

/// An answer to ListRoots: an error with this code, or none.
#[allow(clippy::result_large_err, reason = "the SDK's own error")]
fn answer(code: Option<&str>) -> Result<(), SdkError<ListRootsError, HttpResponse>> {
    let Some(code) = code else {
        return Ok(());
    };
    let status = if code == "InternalFailure" { 500 } else { 400 };
    let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
    let error = ListRootsError::generic(ErrorMetadata::builder().code(code).build());
    Err(SdkError::service_error(error, response))
}

/// The attempts take no time, so that only pauses could use up a budget.
#[tokio::test]
async fn neither_the_pace_nor_throttling_uses_up_an_allowance() {
    let pacer = Pacer::new(25);
    let throttled = Some("TooManyRequestsException");
    let mut answers = [throttled, throttled, None].into_iter();
    let mut budget = TimeBudget::of(Duration::from_millis(1));
    let began = Instant::now();
    let call = pacer.call_within(ACTION, &mut budget, || {
        ready(answer(answers.next().unwrap()))
    });
    assert_eq!(call.await, Ok(()));
    // It is longer than the budget on any machine.
    assert!(began.elapsed() >= FIRST_INTERVAL * 2);
}

#[tokio::test]
async fn what_fails_in_passing_is_tried_again_while_the_allowance_lasts() {
    let pacer = Pacer::new(25);
    let internal = Some("InternalFailure");
    let mut answers = [internal, internal, None].into_iter();
    let call = pacer.call(ACTION, || ready(answer(answers.next().unwrap())));
    assert_eq!(call.await, Ok(()));

    let mut attempts = 0;
    let mut budget = TimeBudget::of(Duration::from_secs(1));
    let call = pacer.call_within(ACTION, &mut budget, || {
        attempts += 1;
        ready(answer(Some("InternalFailure")))
    });
    // Not that the time was up: why the last attempt failed.
    let failed = call.await;
    assert!(matches!(&failed, Err(Failure::Service { code, .. }) if code == "InternalFailure"));
    // The pauses before the seventh would be longer, though each were only half of what it may be.
    assert!(attempts <= 6, "{attempts}");
}

#[tokio::test]
async fn a_call_that_is_not_answered_is_given_up_with_its_allowance() {
    let pacer = Pacer::new(25);
    let whole = Duration::from_millis(10);
    let mut budget = TimeBudget::of(whole);
    let call = pacer.call_within(ACTION, &mut budget, || {
        pending::<Result<(), SdkError<ListRootsError, HttpResponse>>>()
    });
    assert_eq!(call.await, Err(Failure::TimedOut { after: whole }));
}
