//! Which tools a turn may or must call, by the names that the model sees.

use crate::model::ModelChoice;

/// The choice of a whole turn; [`ModelChoice`] is that of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// As the model likes.
    #[default]
    Auto,
    /// No call at all.
    None,
    /// The turn begins with at least one call.
    Required,
    /// The turn begins with a call of one of these: a named function, a hosted tool, or the tools of an MCP server.
    Tool(Vec<String>),
    /// Nothing but these in the whole turn.
    Allowed {
        /// The set.
        names: Vec<String>,
        /// Whether the turn begins with at least one call.
        required: bool,
    },
}

impl Choice {
    /// True if the turn begins with a call.
    pub(crate) fn forces(&self) -> bool {
        match self {
            Self::Required | Self::Tool(_) => true,
            Self::Allowed { required, .. } => *required,
            Self::Auto | Self::None => false,
        }
    }

    /// What the model is told; a choice is forced until the model has obeyed it.
    pub(crate) fn of_generation(&self, forced: bool) -> ModelChoice {
        match self {
            Self::None => ModelChoice::None,
            Self::Tool(names) if forced && names.len() == 1 => ModelChoice::Tool(names[0].clone()),
            Self::Auto | Self::Required | Self::Tool(_) | Self::Allowed { .. } => {
                if forced {
                    ModelChoice::Required
                } else {
                    ModelChoice::Auto
                }
            }
        }
    }

    /// True if a call of this name is within the choice.
    pub(crate) fn permits(&self, name: &str, forced: bool) -> bool {
        match self {
            Self::Auto | Self::Required => true,
            Self::None => false,
            Self::Tool(names) => !forced || names.iter().any(|one| one == name),
            Self::Allowed { names, .. } => names.iter().any(|one| one == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forced_choice_is_told_until_it_was_obeyed() {
        let tool = |names: &[&str]| Choice::Tool(names.iter().map(|name| (*name).to_owned()).collect());
        let allowed = Choice::Allowed { names: vec!["a".to_owned()], required: true };
        assert_eq!(tool(&["a"]).of_generation(true), ModelChoice::Tool("a".to_owned()));
        assert_eq!(tool(&["a", "b"]).of_generation(true), ModelChoice::Required);
        assert_eq!(tool(&["a"]).of_generation(false), ModelChoice::Auto);
        assert_eq!(Choice::Required.of_generation(true), ModelChoice::Required);
        assert_eq!(allowed.of_generation(true), ModelChoice::Required);
        assert_eq!(allowed.of_generation(false), ModelChoice::Auto);
        assert_eq!(Choice::None.of_generation(false), ModelChoice::None);
    }

    #[test]
    fn a_named_tool_binds_only_while_it_is_forced() {
        let choice = Choice::Tool(vec!["a".to_owned()]);
        assert!(choice.permits("a", true) && !choice.permits("b", true) && choice.permits("b", false));
        let allowed = Choice::Allowed { names: vec!["a".to_owned()], required: true };
        assert!(allowed.permits("a", false) && !allowed.permits("b", false));
    }
}
