//! The `taper` program: see `taper --help`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    taper_experiments::cli::main()
}
