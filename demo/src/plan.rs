//! The callers of a run: the same ones, in the same order, each time.

use std::time::Duration;

/// Between two callers.
const GAP: Duration = Duration::from_millis(22);

/// A caller who asks once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Counts from one.
    pub(crate) id: u64,
    /// Since the first one.
    pub(crate) starts: Duration,
    pub(crate) via: Via,
    pub(crate) tenant: &'static str,
    /// How long the store is to work.
    pub(crate) work: Duration,
    /// How long the caller waits for the answer.
    pub(crate) patience: Duration,
    /// Whether the patience is told to the service, as a deadline. Else the caller hangs up without a word.
    pub(crate) tells: bool,
}

/// How a caller comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Http1,
    Http2,
    /// To the catalog, past the gateway.
    Grpc,
}

impl Via {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1",
            Self::Http2 => "HTTP/2",
            Self::Grpc => "gRPC",
        }
    }
}

/// So many callers. Of ten, six ask for little and wait; two tell a deadline that is too near for what they ask for; two
/// hang up.
pub(crate) fn callers(count: usize) -> Vec<Caller> {
    let mut dice = Dice(1);
    (0..count).map(|index| caller(index, &mut dice)).collect()
}

fn caller(index: usize, dice: &mut Dice) -> Caller {
    let (work, patience, tells) = match index % 10 {
        3 | 7 => (dice.millis(400, 700), dice.millis(100, 200), true),
        5 | 9 => (dice.millis(400, 700), dice.millis(60, 160), false),
        _ => (dice.millis(20, 80), Duration::from_millis(1500), true),
    };
    // A step that shares nothing with ten: each kind of caller comes each way.
    let via = [Via::Http1, Via::Grpc, Via::Http2][index % 3];
    let jitter = dice.millis(0, 15);
    let starts = GAP * u32::try_from(index).unwrap_or(u32::MAX) + jitter;
    let tenant = ["acme", "globex", "initech"][index / 3 % 3];
    Caller { id: index as u64 + 1, starts, via, tenant, work, patience, tells }
}

/// Numbers that look random and are the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn millis(&mut self, from: u64, to: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis(from + (mixed ^ (mixed >> 31)) % (to - from + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_are_the_same_each_time() {
        assert_eq!(callers(50), callers(50));
        assert_eq!(callers(20), callers(50)[..20]);
    }

    #[test]
    fn every_kind_of_caller_comes_in_every_way() {
        let callers = callers(60);
        for via in [Via::Http1, Via::Http2, Via::Grpc] {
            for (tells, in_time) in [(true, true), (true, false), (false, false)] {
                let found = callers.iter().any(|caller| {
                    caller.via == via && caller.tells == tells && (caller.work < caller.patience) == in_time
                });
                assert!(found, "{via:?}, tells: {tells}, in time: {in_time}");
            }
        }
    }
}
