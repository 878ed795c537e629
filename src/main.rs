//! The `recover` binary.

fn main() -> std::process::ExitCode {
    recover::cli::main()
}
