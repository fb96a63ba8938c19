//! Says what is in a checkpoint, without the program that wrote it, its layers or its data:
//! `cargo run -p taper-checkpoint --example contents -- fixtures/golden/checkpoint-v1.taper`

use std::io::{self, Write};
use std::process::ExitCode;

use taper_checkpoint::Checkpoint;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        let _ = writeln!(io::stderr(), "usage: contents CHECKPOINT");
        return ExitCode::from(2);
    };
    let loaded = Checkpoint::load(path).map_err(|error| error.to_string());
    // Not by `println!`, which panics when its reader is gone. That is no failure.
    let printed =
        loaded.and_then(
            |checkpoint| match print(&mut io::stdout().lock(), &checkpoint) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
                _ => Ok(()),
            },
        );
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn print(out: &mut impl Write, checkpoint: &Checkpoint) -> io::Result<()> {
    writeln!(out, "architecture  {}", checkpoint.architecture)?;
    for (name, tensor) in &checkpoint.weights {
        writeln!(out, "weight        {name} {:?}", tensor.shape())?;
    }
    if let Some(optimizer) = &checkpoint.optimizer {
        let (name, config) = (&optimizer.class_name, &optimizer.config);
        writeln!(out, "optimizer     {name} {config}")?;
        writeln!(out, "iterations    {}", optimizer.iterations)?;
    }
    if let Some(position) = &checkpoint.position {
        let (epoch, batch, seed) = (position.epoch + 1, position.batch, position.seed);
        writeln!(
            out,
            "goes on at    epoch {epoch}, batch {batch} (seed {seed})"
        )?;
    }
    for (key, value) in &checkpoint.provenance {
        writeln!(out, "{key:<13} {value}")?;
    }
    out.flush()
}
