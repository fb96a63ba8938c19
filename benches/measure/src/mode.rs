//! The two kinds of step.

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    Train,
    Infer,
}

impl Mode {
    /// The word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Mode::Train => "train",
            Mode::Infer => "infer",
        }
    }
}
