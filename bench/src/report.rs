//! What a run found: lines of figures, and goals that were met or not.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// Why nothing could be measured: a text for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl<T: fmt::Display> From<T> for Failure {
    fn from(why: T) -> Self {
        Self(why.to_string())
    }
}

pub(crate) fn complain(failure: &Failure) {
    // Nobody is left to be told where standard error is closed.
    let _ = writeln!(std::io::stderr(), "{}", failure.0);
}

/// The figures of one run in the order of their making.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<String>,
    missed: u32,
}

impl Report {
    /// A figure without a goal.
    pub(crate) fn tell(&mut self, name: &str, figure: impl fmt::Display) {
        self.lines.push(format!("{name:<48}{figure}"));
    }

    /// A figure that must be at least `goal`.
    pub(crate) fn at_least(&mut self, name: &str, figure: f64, goal: f64, unit: &str) {
        self.judge(name, figure, unit, &format!(">= {goal}"), figure >= goal);
    }

    /// A figure that must be below `goal`.
    pub(crate) fn below(&mut self, name: &str, figure: f64, goal: f64, unit: &str) {
        self.judge(name, figure, unit, &format!("< {goal}"), figure < goal);
    }

    fn judge(&mut self, name: &str, figure: f64, unit: &str, goal: &str, met: bool) {
        let verdict = if met { "met" } else { "MISSED" };
        let figure = format!("{figure:.2}{unit}");
        self.lines.push(format!("{name:<48}{figure:<16}goal {goal}{unit}: {verdict}"));
        self.missed += u32::from(!met);
    }

    /// Prints everything; success where every goal was met.
    pub(crate) fn print(&self) -> ExitCode {
        let mut out = std::io::stdout().lock();
        let written = self.lines.iter().try_for_each(|line| writeln!(out, "{line}"));
        if written.is_ok() && self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The middle one of several measurements.
pub(crate) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_counted_and_nan_misses() {
        let mut report = Report::default();
        report.at_least("a", 0.5, 0.4, "");
        assert_eq!(report.missed, 0);
        report.at_least("c", f64::NAN, 0.4, "");
        report.at_least("d", 0.3, 0.4, "");
        assert_eq!(report.missed, 2);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
