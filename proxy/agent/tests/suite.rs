//! Laws and transcripts of the run.

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "tests look at a few of many events")]
mod suite {
    mod contexts;
    mod endings;
    mod environment;
    mod fold;
    mod laws;
    mod remote;
    mod support;
    mod transcript;
    mod transcripts;
}
