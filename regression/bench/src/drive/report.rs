//! The table and what has to be said below it.

use std::fmt;

use crate::drive::rounds::{Metric, Rounds};
use crate::drive::spread::{Spread, short};

/// What a median has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    Exactly(f64),
    /// Shown only.
    None,
}

impl Goal {
    fn is_reached_by(self, median: f64) -> Option<bool> {
        match self {
            Self::AtLeast(bound) => Some(median >= bound),
            Self::AtMost(bound) => Some(median <= bound),
            Self::Exactly(value) => Some((median - value).abs() < f64::EPSILON),
            Self::None => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::Exactly(value) => write!(f, "= {value}"),
            Self::None => f.write_str("–"),
        }
    }
}

/// A comparison of two cases of the same rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) quantity: &'a str,
    pub(crate) ours: &'a str,
    pub(crate) base: &'a str,
    pub(crate) metric: Metric,
    pub(crate) goal: Goal,
}

/// Rows and notes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<String>,
    notes: Vec<String>,
    is_void: bool,
}

impl Report {
    /// Compares by ratio, ours to base.
    pub(crate) fn ratio(&mut self, rounds: &Rounds, claim: Claim<'_>) {
        self.compare(rounds, claim, "×", |ours, base| ours / base);
    }

    /// Compares by difference, ours less base.
    pub(crate) fn difference(&mut self, rounds: &Rounds, claim: Claim<'_>) {
        self.compare(rounds, claim, "Δ", |ours, base| ours - base);
    }

    /// Shows a figure of one case and judges it by itself.
    pub(crate) fn figure(&mut self, rounds: &Rounds, claim: Claim<'_>) {
        if !self.voided(rounds.void(claim.ours), claim.quantity) {
            self.value(claim.quantity, &rounds.values(claim.ours, claim.metric), claim.goal);
        }
    }

    /// Shows values of one kind and judges their median.
    pub(crate) fn value(&mut self, quantity: &str, values: &[f64], goal: Goal) {
        let spread = Spread::of(values);
        self.row([quantity, &spread.to_string(), "", ""], goal, spread.median);
    }

    /// Adds a sentence below the table.
    pub(crate) fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    /// Whether any row has no proof.
    pub(crate) fn is_void(&self) -> bool {
        self.is_void
    }

    /// Everything, as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let head = "| Quantity | measured | beside | ratio × or difference Δ | goal | reached |\n|---|---|---|---|---|---|\n";
        let rows = self.rows.concat();
        let notes: String = self.notes.iter().map(|note| format!("- {note}\n")).collect();
        format!("{head}{rows}\nMedians, ranges in parentheses; ratios are taken within each round.\n{notes}")
    }

    fn compare(&mut self, rounds: &Rounds, claim: Claim<'_>, sign: &str, join: fn(f64, f64) -> f64) {
        let Claim { quantity, ours, base, metric, goal } = claim;
        let void = rounds.void(ours).or_else(|| rounds.void(base));
        if self.voided(void, quantity) {
            return;
        }
        let joined = Spread::of(&rounds.pairs((ours, base), metric, join));
        let [ours_there, base_there] = [ours, base].map(|label| Spread::of(&rounds.values(label, metric)));
        let beside = format!("{base} {}", short(base_there.median));
        let joined_text = format!("{sign} {joined}");
        self.row([quantity, &ours_there.to_string(), &beside, &joined_text], goal, joined.median);
    }

    fn row(&mut self, cells: [&str; 4], goal: Goal, median: f64) {
        let reached = match goal.is_reached_by(median) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        self.rows.push(format!("| {} | {goal} | {reached} |\n", cells.join(" | ")));
    }

    fn voided(&mut self, void: Option<String>, quantity: &str) -> bool {
        let Some(why) = void else { return false };
        self.is_void = true;
        let why: String =
            why.chars().filter(|letter| !matches!(letter, '\n' | '\r' | '|')).take(300).collect();
        self.rows.push(format!("| {quantity} | **void**: {why} | | | | |\n"));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_is_said() {
        let mut report = Report::default();
        report.value("idle memory, MiB", &[16.0], Goal::AtMost(15.0));
        assert!(report.markdown().contains("| idle memory, MiB | 16.0 (16.0–16.0) |  |  | ≤ 15 | **no** |"));
    }

    #[test]
    fn what_was_not_measured_reaches_nothing() {
        let mut report = Report::default();
        report.value("nothing", &[], Goal::AtMost(15.0));
        assert!(report.markdown().contains("**no**"));
    }
}
