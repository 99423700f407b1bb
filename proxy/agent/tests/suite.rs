//! Laws and transcripts of the run.

mod suite {
    mod contexts;
    mod endings;
    mod environment;
    mod fold;
    mod laws;
    mod support;
    mod transcript;
    mod transcripts;
}
