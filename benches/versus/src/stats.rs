//! Medians and spreads of what the rounds came to.

/// What each round came to, on both sides; the peer's is empty where there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rounds {
    /// Ours, a figure a round.
    pub ours: Vec<f64>,
    /// The peer's, a figure a round.
    pub peer: Vec<f64>,
}

/// A whole row in figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The median of ours.
    pub ours: f64,
    /// What there is of it beside a peer.
    pub beside: Option<Beside>,
}

/// Ours beside the peer's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The median of the peer's.
    pub peer: f64,
    /// The median of the rounds' ratios, not the ratio of the medians: the drift of a shared machine falls out.
    pub ratio: f64,
    /// The first and the third quartile of the rounds' ratios.
    pub spread: (f64, f64),
    /// The median of the rounds' differences.
    pub added: f64,
}

impl Rounds {
    /// A single figure, with no peer.
    pub fn alone(ours: f64) -> Self {
        Self { ours: vec![ours], peer: Vec::new() }
    }

    /// A single figure on each side.
    pub fn once(ours: f64, peer: f64) -> Self {
        Self { ours: vec![ours], peer: vec![peer] }
    }

    /// The medians.
    ///
    /// # Panics
    ///
    /// If there is no round.
    pub fn summary(&self) -> Summary {
        let pairs = || self.ours.iter().zip(&self.peer);
        let ratios: Vec<f64> = pairs().map(|(ours, peer)| ratio(*ours, *peer)).collect();
        let added: Vec<f64> = pairs().map(|(ours, peer)| ours - peer).collect();
        let beside = (!ratios.is_empty()).then(|| Beside {
            peer: median(&self.peer),
            ratio: median(&ratios),
            spread: (quantile(&ratios, 0.25), quantile(&ratios, 0.75)),
            added: median(&added),
        });
        Summary { ours: median(&self.ours), beside }
    }
}

/// Nothing beside nothing is the same.
fn ratio(ours: f64, peer: f64) -> f64 {
    if ours == 0.0 && peer == 0.0 { 1.0 } else { ours / peer }
}

/// The value in the middle.
///
/// # Panics
///
/// If there is none.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that the share `at` (from 0 to 1) of all lies below: the nearest one that there is.
///
/// # Panics
///
/// If there is none.
pub fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index, from 0 to the last"
    )]
    let index = (at * (sorted.len() - 1) as f64).round() as usize;
    sorted[index]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the figures are exact")]

    use super::{Rounds, median, quantile};

    #[test]
    fn the_median_does_not_heed_what_is_far_out() {
        assert_eq!(median(&[3.0, 1e9, 1.0, 2.0, -1e9]), 2.0);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(
            [0.0, 0.25, 0.5, 0.99, 1.0].map(|at| quantile(&values, at)),
            [0.0, 25.0, 50.0, 99.0, 100.0]
        );
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_and_not_of_the_sides() {
        // The machine gets ten times slower in the middle of a round's side: the other rounds decide.
        let rounds = Rounds { ours: vec![1.0, 10.0, 10.0], peer: vec![2.0, 20.0, 2.0] };
        let beside = rounds.summary().beside.unwrap();
        assert_eq!(beside.ratio, 0.5);
        assert_eq!(beside.peer, 2.0);
        assert_eq!(beside.spread, (0.5, 5.0));
        assert_eq!(beside.added, -1.0);
    }

    #[test]
    fn without_a_peer_there_is_no_ratio() {
        assert_eq!(Rounds::alone(7.0).summary().beside, None);
    }

    #[test]
    fn nothing_beside_nothing_is_the_same() {
        assert_eq!(Rounds::once(0.0, 0.0).summary().beside.unwrap().ratio, 1.0);
    }
}
